/** The tests that every `DirectoryStore` passes. Each test uses its own names. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DirectoryStore } from "../../../src/directory/store.ts";
import { eventually, promptly } from "../../support/waits.ts";
import { NO_LIMITS, storedKey, storedWorkspace } from "./stored.ts";

export interface Candidate {
  /** Another instance over the same records, as another process would have it. */
  open(): DirectoryStore;
  /** Ends what the stores use: a server, a folder. */
  end(): Promise<void>;
}

export function examine(name: string, begin: () => Promise<Candidate>): void {
  describe(`the ${name} directory`, () => {
    let candidate: Candidate;
    let store: DirectoryStore;
    const opened: DirectoryStore[] = [];
    const open = (): DirectoryStore => {
      const one = candidate.open();
      opened.push(one);
      return one;
    };

    beforeAll(async () => {
      candidate = await begin();
      store = open();
      // A connection that is being made answers nothing yet.
      await eventually(() => answers(store), "the first load");
      // A Sentinel has to find its replica first.
    }, 20_000);
    afterAll(async () => {
      await Promise.all(opened.map((one) => one.close()));
      await candidate.end();
    });

    const loadedKey = async (id: string, from = store) => (await from.load()).keys.find((key) => key.id === id);
    const loadedWorkspace = async (named: string, from = store) => (await from.load()).workspaces.find((one) => one.name === named);

    test("a key is found and loaded as it was written, by every instance", async () => {
      const key = storedKey("put", { expiresAtMs: 1_900_000_000_000 });
      expect(await store.find(key.sha256)).toBeUndefined();
      await store.putKey(key);
      const other = open();
      await eventually(() => answers(other), "the other's first load");
      for (const from of [store, other]) {
        expect(await from.find(key.sha256)).toMatchObject({ id: key.id, name: "put", workspace: "acme", expiresAtMs: 1_900_000_000_000 });
        expect(await loadedKey(key.id, from)).toEqual(key);
      }
    });

    test("a key is found by the whole digest only", async () => {
      const key = storedKey("whole");
      await store.putKey(key);
      expect(await store.find(key.sha256.slice(0, 16).padEnd(64, "0"))).toBeUndefined();
    });

    test("a key replaces the one with its id", async () => {
      const key = storedKey("over");
      await store.putKey(key);
      await store.putKey({ ...key, expiresAtMs: 5 });
      expect((await loadedKey(key.id))?.expiresAtMs).toBe(5);
    });

    test("a key that is removed is gone, once, and a rotation does not bring it back", async () => {
      const key = storedKey("removed");
      await store.putKey(key);
      expect(await store.removeKey(key.id)).toBe(true);
      expect(await store.removeKey(key.id)).toBe(false);
      const fresh = storedKey("in place of removed");
      expect(await store.rotateKey({ ...key, replacedBy: fresh.id }, fresh)).toBe("unknown");
      expect(await store.find(key.sha256)).toBeUndefined();
      expect(await store.find(fresh.sha256)).toBeUndefined();
      expect(await loadedKey(key.id)).toBeUndefined();
    });

    test("a key is rotated once: it ends and names its successor, and a later rotation, also by another instance, changes nothing", async () => {
      const key = storedKey("rotated", { expiresAtMs: 1_900_000_000_000 });
      await store.putKey(key);
      const successors = ["first", "second", "third"].map((name) => storedKey(`${name} in place of rotated`));
      const stores = [store, open(), open()];
      for (const one of stores) await eventually(() => answers(one), "the first load");
      const rotate = (fresh: (typeof successors)[number], at: number) =>
        (stores[at] ?? store).rotateKey({ ...key, expiresAtMs: 1_800_000_000_000 + at, replacedBy: fresh.id }, fresh);
      const outcomes = await Promise.all(successors.map(rotate));
      expect([...outcomes].sort()).toEqual(["replaced", "replaced", "rotated"]);
      const winner = outcomes.indexOf("rotated");
      const [won] = successors.slice(winner);
      expect(await loadedKey(key.id)).toEqual({ ...key, expiresAtMs: 1_800_000_000_000 + winner, replacedBy: won?.id });
      for (const [at, { sha256 }] of successors.entries()) expect((await store.find(sha256)) !== undefined).toBe(at === winner);
      expect(await Promise.all(successors.map(rotate))).toEqual(["replaced", "replaced", "replaced"]);
    });

    test("a workspace is loaded as it was written, and replaced only where that is asked", async () => {
      const first = storedWorkspace("shop", { limits: { ...NO_LIMITS, rpm: 5 }, models: { m: { limits: { ...NO_LIMITS, tpm: 7 } } } });
      expect(await store.putWorkspace(first, false)).toBe(true);
      expect(await store.putWorkspace({ ...first, defaultRegion: "us" }, false)).toBe(false);
      expect(await loadedWorkspace("shop")).toEqual(first);
      expect(await store.putWorkspace({ ...first, defaultRegion: "us" }, true)).toBe(true);
      expect((await loadedWorkspace("shop"))?.defaultRegion).toBe("us");
    });

    test("a workspace goes with its keys, and with no others", async () => {
      await store.putWorkspace(storedWorkspace("leaving"), false);
      const [its, others] = [storedKey("its", { workspace: "leaving" }), storedKey("other's")];
      await store.putKey(its);
      await store.putKey(others);
      expect(await store.removeWorkspace("leaving")).toBe(true);
      expect(await store.removeWorkspace("leaving")).toBe(false);
      expect(await loadedWorkspace("leaving")).toBeUndefined();
      expect(await store.find(its.sha256)).toBeUndefined();
      expect(await loadedKey(others.id)).toEqual(others);
    });

    test("the last use is kept, also after a later change, and not for keys that are gone", async () => {
      const [kept, gone] = [storedKey("kept"), storedKey("gone")];
      await store.putKey(kept);
      await store.putKey(gone);
      await store.removeKey(gone.id);
      await store.touch(new Map([kept, gone].map(({ id }) => [id, 1_790_000_400_000])));
      expect((await loadedKey(kept.id))?.lastUsedAtMs).toBe(1_790_000_400_000);
      expect(await loadedKey(gone.id)).toBeUndefined();
      await store.putKey(gone);
      expect((await loadedKey(gone.id))?.lastUsedAtMs).toBeUndefined();
      await store.touch(new Map());
    });

    test("a change by another instance is noticed within a second, also where this instance makes a change meanwhile", async () => {
      const [watcher, other] = [open(), open()];
      for (const one of [watcher, other]) await eventually(() => answers(one), "the first load");
      const known = new Set<string>();
      const look = async () => {
        const { keys } = await watcher.load();
        known.clear();
        for (const { id } of keys) known.add(id);
      };
      watcher.watch(() => void look().catch(() => {}));
      const [theirs, own] = [storedKey("theirs"), storedKey("own")];
      await other.putKey(theirs);
      await watcher.putKey(own);
      await promptly(() => known.has(theirs.id) && known.has(own.id), "both keys are known");
      await other.removeKey(theirs.id);
      await watcher.find(theirs.sha256);
      await promptly(() => !known.has(theirs.id), "the removal is known");
    });
  });
}

async function answers(store: DirectoryStore): Promise<boolean> {
  try {
    await store.load();
    return true;
  } catch {
    return false;
  }
}
