import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../../../src/contract/config.ts";
import { type DirectoryRefusal, DirectoryRefusal as Refusal } from "../../../src/directory/directory.ts";
import { FileStore } from "../../../src/directory/file.ts";
import { Replica } from "../../../src/directory/replica.ts";
import { keyId } from "../../../src/directory/store.ts";
import { load } from "../../support/config-sample.ts";
import { promptly } from "../../support/waits.ts";
import { NO_LIMITS, storedKey } from "./stored.ts";

const HOUR_MS = 3_600_000;
const OWN_KEY = "weir_replica_configured_Tx5";
const digest = (key: string): string => createHash("sha256").update(key).digest("hex");

const { config }: { config: Config } = load(`
upstreams:
  b: { provider: bedrock, region: eu, aws_region: eu-central-1 }
models:
  claude: { targets: [{ upstream: b, model: anthropic.claude-3-haiku-20240307-v1:0 }] }
workspaces:
  acme: { keys: [{ name: ci, sha256: ${digest(OWN_KEY)} }] }
`);

const folder = mkdtempSync(join(tmpdir(), "weir-replica-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a replica", () => {
  let count = 0;
  let file = "";
  let store: FileStore;
  let replica: Replica;
  beforeEach(async () => {
    file = join(folder, `keys-${++count}.json`);
    store = new FileStore({ file });
    replica = new Replica(config, store);
    await replica.refresh();
  });

  const isKnown = (key: string, nowMs = Date.now()): boolean => (replica.find(digest(key), nowMs)?.expiresAtMs ?? 0) > nowMs;
  const refusal = async (asked: Promise<unknown> | (() => unknown)): Promise<DirectoryRefusal["reason"] | undefined> => {
    try {
      await (typeof asked === "function" ? asked() : asked);
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.reason;
      throw thrown;
    }
  };
  const shop = { name: "shop", defaultRegion: "eu", limits: { ...NO_LIMITS, rpm: 3 }, models: {} };

  test("makes keys of 256 bits that are in force at once and kept as a digest only", async () => {
    const { key, entry } = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    expect(key).toMatch(/^weir_[A-Za-z0-9_-]{43}$/);
    expect(entry).toMatchObject({ id: keyId(digest(key)), name: "laptop", workspace: "acme", source: "file", expiresAtMs: undefined });
    expect(isKnown(key)).toBe(true);
    expect(JSON.stringify(await store.load())).not.toContain(key);
    expect(replica.keys("acme").map(({ name, source }) => `${name} of ${source}`)).toEqual(["laptop of file", "ci of config"]);
  });

  test("revokes a key at once, and only once", async () => {
    const { key, entry } = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    await replica.revokeKey(entry.id);
    expect(isKnown(key)).toBe(false);
    expect(await replica.findElsewhere(digest(key))).toBeUndefined();
    expect(await refusal(replica.revokeKey(entry.id))).toBe("unknown");
  });

  test("a key that has expired identifies no request, and no key is made that has expired already", async () => {
    const { key } = await replica.createKey("acme", { name: "brief", expiresAtMs: Date.now() + 60_000 });
    expect(isKnown(key)).toBe(true);
    expect(isKnown(key, Date.now() + 60_001)).toBe(false);
    expect(await refusal(replica.createKey("acme", { name: "late", expiresAtMs: Date.now() }))).toBe("invalid");
  });

  test("a rotated key works beside the new one until the grace is over", async () => {
    const old = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    const next = await replica.rotateKey(old.entry.id, HOUR_MS);
    expect(next.entry).toMatchObject({ name: "laptop", workspace: "acme", expiresAtMs: undefined });
    for (const key of [old.key, next.key]) expect(isKnown(key)).toBe(true);
    expect(isKnown(old.key, Date.now() + HOUR_MS)).toBe(false);
    expect(isKnown(next.key, Date.now() + HOUR_MS)).toBe(true);
    const again = new Replica(config, new FileStore({ file }));
    await again.refresh();
    expect(again.find(digest(old.key), Date.now())?.expiresAtMs).toBeLessThanOrEqual(Date.now() + HOUR_MS);
    await replica.rotateKey(next.entry.id, 0);
    expect(isKnown(next.key)).toBe(false);
  });

  test("a rotation does not lengthen the life of a key: not of the old one by its grace, nor by a new one without an end", async () => {
    const endsAtMs = Date.now() + 60_000;
    const old = await replica.createKey("acme", { name: "brief", expiresAtMs: endsAtMs });
    const next = await replica.rotateKey(old.entry.id, HOUR_MS);
    expect(next.entry.expiresAtMs).toBe(endsAtMs);
    for (const key of [old.key, next.key]) expect(replica.find(digest(key), Date.now())?.expiresAtMs).toBe(endsAtMs);
    const last = await replica.rotateKey(next.entry.id, 0);
    expect(last.entry.expiresAtMs).toBe(endsAtMs);
  });

  test("a key is rotated once, on whichever gateway, and one that has expired not at all", async () => {
    const { entry } = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    // This replica does not know of the rotation yet.
    const behind = new Replica(config, new FileStore({ file }));
    await behind.refresh();
    const next = await replica.rotateKey(entry.id, HOUR_MS);
    expect(replica.keys("acme").find(({ id }) => id === entry.id)?.replacedBy).toBe(next.entry.id);
    for (const again of [replica, behind]) expect(await refusal(again.rotateKey(entry.id, HOUR_MS))).toBe("replaced");
    expect(replica.keys("acme").filter(({ name }) => name === "laptop")).toHaveLength(2);
    const expired = storedKey("over", { expiresAtMs: Date.now() - 1 });
    await store.putKey(expired);
    await replica.refresh();
    expect(await refusal(replica.rotateKey(expired.id, 0))).toBe("invalid");
  });

  test("a rotation does not bring back a key that was revoked elsewhere a moment ago", async () => {
    const { entry } = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    await new FileStore({ file }).removeKey(entry.id);
    expect(await refusal(replica.rotateKey(entry.id, HOUR_MS))).toBe("unknown");
    expect((await new FileStore({ file }).load()).keys).toEqual([]);
  });

  test("a key or workspace of weir.yaml can be changed only there", async () => {
    const id = keyId(digest(OWN_KEY));
    expect(await refusal(replica.revokeKey(id))).toBe("read_only");
    expect(await refusal(replica.rotateKey(id, 0))).toBe("read_only");
    expect(await refusal(replica.removeWorkspace("acme"))).toBe("read_only");
    expect(await refusal(replica.updateWorkspace({ ...shop, name: "acme" }))).toBe("read_only");
    expect(await refusal(replica.createWorkspace({ ...shop, name: "acme" }))).toBe("exists");
    expect(isKnown(OWN_KEY)).toBe(true);
  });

  test("a key or workspace that does not exist is unknown", async () => {
    expect(await refusal(replica.revokeKey("key_0000000000000000"))).toBe("unknown");
    expect(await refusal(replica.createKey("nowhere", { name: "laptop", expiresAtMs: undefined }))).toBe("unknown");
    expect(await refusal(replica.removeWorkspace("nowhere"))).toBe("unknown");
    expect(await refusal(replica.updateWorkspace({ ...shop, name: "nowhere" }))).toBe("unknown");
    expect(await refusal(() => replica.keys("nowhere"))).toBe("unknown");
  });

  test("a workspace is made, changed and removed with its keys", async () => {
    let told = -1;
    replica = new Replica(config, store);
    replica.onWorkspaces(() => told++);
    expect(await replica.createWorkspace(shop)).toMatchObject({ name: "shop", source: "file", keys: 0, limits: { rpm: 3 } });
    expect(await refusal(replica.createWorkspace(shop))).toBe("exists");
    const { key } = await replica.createKey("shop", { name: "till", expiresAtMs: undefined });
    expect(replica.find(digest(key), Date.now())?.workspace.name).toBe("shop");
    await replica.updateWorkspace({ ...shop, limits: { ...NO_LIMITS, rpm: 9 } });
    expect(replica.workspaces().map(({ name, keys, limits }) => [name, keys, limits.rpm])).toContainEqual(["shop", 1, 9]);
    expect(replica.withWorkspaces(config).workspaces.shop?.limits.rpm).toBe(9);
    await replica.removeWorkspace("shop");
    expect(isKnown(key)).toBe(false);
    expect(replica.workspaces().map(({ name }) => name)).toEqual(["acme"]);
    expect(told).toBe(3);
  });

  test("the last use is written to the store by the hour; a refused request is no use", async () => {
    const endsAtMs = Date.now() + 10 * HOUR_MS;
    const { key, entry } = await replica.createKey("acme", { name: "laptop", expiresAtMs: endsAtMs });
    const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const touched: unknown[] = [];
    const touch = store.touch.bind(store);
    store.touch = (uses) => {
      touched.push(Object.fromEntries(uses));
      return touch(uses);
    };
    for (const nowMs of [hourMs + 1, hourMs + 2, hourMs + HOUR_MS - 1, endsAtMs + HOUR_MS]) replica.find(digest(key), nowMs);
    replica.find(digest(OWN_KEY), hourMs);
    await replica.close();
    expect(touched).toEqual([{ [entry.id]: hourMs }]);
    expect((await new FileStore({ file }).load()).keys[0]?.lastUsedAtMs).toBe(hourMs);
  });

  test("a key of a workspace that does not exist is asked for once and stays unknown", async () => {
    const orphan = storedKey("orphan", { workspace: "nowhere" });
    await store.putKey(orphan);
    let loads = 0;
    const readAll = store.load.bind(store);
    store.load = () => {
      loads++;
      return readAll();
    };
    expect(await replica.findElsewhere(orphan.sha256)).toBeUndefined();
    for (let at = 0; at < 20; at++) expect(await replica.findElsewhere(orphan.sha256)).toBeUndefined();
    expect(loads).toBe(1);
  });

  test("a key that was revoked between being found and its new workspace being read stays unknown", async () => {
    const elsewhere = new FileStore({ file });
    await elsewhere.putWorkspace({ ...shop, createdAtMs: 0 }, false);
    const revoked = storedKey("revoked", { workspace: "shop" });
    store.find = async () => revoked;
    expect(await replica.findElsewhere(revoked.sha256)).toBeUndefined();
    expect(replica.find(revoked.sha256, Date.now())).toBeUndefined();
    expect(replica.keys("shop")).toEqual([]);
  });

  test("many changes at once are read once or twice", async () => {
    let loads = 0;
    const readAll = store.load.bind(store);
    store.load = () => {
      loads++;
      return readAll();
    };
    await Promise.all(Array.from({ length: 100 }, () => replica.refresh()));
    expect(loads).toBeLessThanOrEqual(2);
  });

  test("keeps what it knows while its store cannot be read, and says so once", async () => {
    const { key } = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    const told: string[] = [];
    const failing = new FileStore({ file });
    replica = new Replica(config, failing, { onTrouble: (text) => told.push(text) });
    await replica.refresh();
    await Bun.write(file, "broken");
    for (let at = 0; at < 3; at++) await replica.refresh();
    expect(isKnown(key)).toBe(true);
    expect(told).toEqual([expect.stringContaining("is not JSON")]);
    expect(replica.state).toContain("is not JSON");
  });

  test("follows its store", async () => {
    replica.watch();
    const other = new Replica(config, new FileStore({ file }));
    const { key, entry } = await other.createKey("acme", { name: "elsewhere", expiresAtMs: undefined });
    await promptly(() => isKnown(key), "the key is known");
    await other.revokeKey(entry.id);
    await promptly(() => !isKnown(key), "the key is refused");
    await replica.close();
  });
});
