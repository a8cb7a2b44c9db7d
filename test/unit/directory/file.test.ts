import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync, spawn } from "node:child_process";
import { lutimesSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { FileStore } from "../../../src/directory/file.ts";
import { DirectoryUnavailable } from "../../../src/directory/store.ts";
import { eventually } from "../../support/waits.ts";
import { examine } from "./exam.ts";
import { NO_LIMITS, storedKey, storedWorkspace } from "./stored.ts";

const WRITER = join(import.meta.dir, "writer.ts");
const KILLS = 40;

const manyModels = () => Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`model-${at}`, { limits: NO_LIMITS }]));
/** A signal takes a moment to arrive. */
const isStopped = (pid = 0): boolean => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

const folder = mkdtempSync(join(tmpdir(), "weir-keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

examine("file", async () => {
  const file = join(folder, "exam.json");
  return { open: () => new FileStore({ file }), end: async () => {} };
});

describe("the key file", () => {
  let file = "";
  let count = 0;
  beforeEach(() => {
    file = join(folder, `keys-${++count}.json`);
  });

  const idsIn = (): string[] => (JSON.parse(readFileSync(file, "utf8")) as { keys: { id: string }[] }).keys.map(({ id }) => id);
  const refused = async (asked: Promise<unknown>): Promise<string> => {
    const thrown = await asked.catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(DirectoryUnavailable);
    return String(thrown);
  };
  /** A process that adds keys; `ids` are those that it was told are kept. */
  const write = (name: string, keys?: number) => {
    const words = [WRITER, file, name, ...(keys === undefined ? [] : [String(keys)])];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    child.stdout.on("data", (bytes: Buffer) => {
      printed += bytes.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    // The last line may have been cut off by the kill.
    return { child, ended, ids: () => printed.split("\n").slice(0, -1) };
  };

  test("is refused while it is a pipe or a device, and read again when it is a file: no request waits for ever", async () => {
    const store = new FileStore({ file });
    await store.putKey(storedKey("kept"));
    const kept = readFileSync(file);
    for (const [make, words] of [
      [() => execFileSync("mkfifo", [file]), "a pipe"],
      [() => symlinkSync("/dev/zero", file), "a device"],
    ] as const) {
      rmSync(file);
      make();
      expect(await refused(store.load())).toContain(words);
      expect(await refused(store.putKey(storedKey("lost")))).toContain(words);
    }
    rmSync(file);
    writeFileSync(file, kept);
    expect((await store.load()).keys).toHaveLength(1);
    await store.putKey(storedKey("second"));
    expect(idsIn()).toHaveLength(2);
  });

  test("holds every confirmed key and stays whole, however often a writer is killed", async () => {
    const confirmed: string[] = [];
    let longestMs = 0;
    const kill = async (name: string, at: number) => {
      const beganMs = performance.now();
      const writer = write(`${name}-${at}`);
      await eventually(() => writer.ids().length > 0, "a key is confirmed");
      longestMs = Math.max(longestMs, performance.now() - beganMs);
      // Anywhere within a change, which takes a millisecond or a few.
      await new Promise((resolve) => setTimeout(resolve, (at * 7) % 20));
      writer.child.kill("SIGKILL");
      await writer.ended;
      confirmed.push(...writer.ids());
    };
    const killing = async (name: string) => {
      for (let at = 0; at < KILLS / 2; at++) {
        await kill(name, at);
        const kept = new Set(idsIn());
        expect(confirmed.filter((id) => !kept.has(id))).toEqual([]);
      }
    };
    await Promise.all([killing("one"), killing("two")]);
    expect(confirmed.length).toBeGreaterThanOrEqual(KILLS);
    // No lock of a dead process was waited for until it was old.
    expect(longestMs).toBeLessThan(8_000);
    await new FileStore({ file }).putKey(storedKey("afterwards"));
    const kept = new Set(idsIn());
    expect(confirmed.filter((id) => !kept.has(id))).toEqual([]);
  }, 60_000);

  test("loses nothing where two processes write at once", async () => {
    const writers = [write("first", 40), write("second", 40)];
    expect(await Promise.all(writers.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(new Set(idsIn())).toEqual(new Set(writers.flatMap(({ ids }) => ids())));
    expect(idsIn().length).toBe(80);
    expect(readdirSync(folder).filter((name) => name.includes(".lock"))).toEqual([]);
  }, 20_000);

  test("loses nothing where many changes of one process are asked for at once", async () => {
    const store = new FileStore({ file });
    await Promise.all(Array.from({ length: 30 }, (_, at) => store.putKey(storedKey(`at-once-${at}`))));
    expect(idsIn().length).toBe(30);
  });

  test("is for its owner only; if others can read it, there is a warning, and the next change closes it", async () => {
    const store = new FileStore({ file });
    await store.putKey(storedKey("mode"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const open = readFileSync(file, "utf8");
    rmSync(file);
    writeFileSync(file, open, { mode: 0o644 });
    const told: string[] = [];
    const other = new FileStore({ file, onWarning: (text) => told.push(text) });
    await other.load();
    expect(told).toEqual([expect.stringContaining(`chmod 600 ${file}`)]);
    await other.putKey(storedKey("mode-2"));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("that is missing holds nothing", async () => {
    const store = new FileStore({ file });
    expect(await store.load()).toEqual({ keys: [], workspaces: [] });
    expect(store.state).toBe("ok");
  });

  test.each([
    ["broken", '{"format":1,"keys":[', "is not JSON"],
    ["somebody else's", '{"format":1,"keys":"none","workspaces":[]}', "is no key file of this version (at /keys)"],
    ["of another version", '{"format":2,"keys":[],"workspaces":[]}', "is no key file of this version (at /format)"],
  ])("that is %s is an error that says what to do, and is left as it is", async (_, text, message) => {
    writeFileSync(file, text, { mode: 0o600 });
    const store = new FileStore({ file });
    expect(await refused(store.load())).toContain(message);
    expect(await refused(store.putKey(storedKey("never")))).toContain(message);
    expect(store.state).toContain(message);
    expect(readFileSync(file, "utf8")).toBe(text);
    rmSync(file);
    await store.putKey(storedKey("later"));
    expect(store.state).toBe("ok");
  });

  test("whose folder is not there, or is a file, is an error that says what to do", async () => {
    writeFileSync(file, "");
    for (const place of [join(folder, "nowhere", "keys.json"), join(file, "keys.json")]) {
      const store = new FileStore({ file: place });
      expect(await refused(store.putKey(storedKey("nowhere")))).toContain("make it, or set another file in directory.file");
      expect(store.state).toContain("its folder does not exist");
    }
    // A file that cannot be looked at is not regarded as an empty one.
    await refused(new FileStore({ file: join(file, "keys.json") }).load());
  });

  test("is not held up by the lock of a process that is gone, also where this process has the same id", async () => {
    const gone = write("gone", 0);
    await gone.ended;
    for (const pid of [gone.child.pid, process.pid]) {
      symlinkSync(`${pid} 0123456789ab ${hostname()}`, `${file}.lock`);
      const beganMs = performance.now();
      await new FileStore({ file }).putKey(storedKey(`past-${pid}`));
      // And not when the lock is ten seconds old.
      expect(performance.now() - beganMs).toBeLessThan(5_000);
    }
  });

  test("is whole and keeps confirmed changes where a writer is stopped in a change, another one writes, and the first continues", async () => {
    const seed = new FileStore({ file });
    // Large enough that a change takes a while.
    await seed.putWorkspace(storedWorkspace("wide", { models: manyModels() }), false);
    const stopped = write("stopped");
    const { child } = stopped;
    await eventually(() => stopped.ids().length > 0, "a key is confirmed");
    const isWriting = () => readdirSync(folder).some((name) => name.startsWith(`.${basename(file)}.new`));
    const isCaught = () => {
      child.kill("SIGSTOP");
      if (isWriting() && isStopped(child.pid)) return true;
      child.kill("SIGCONT");
      return false;
    };
    await eventually(isCaught, "it is stopped in the middle of a change");
    // The age at which a lock is taken over although its process lives.
    const [before, lock] = [stopped.ids(), `${file}.lock`];
    lutimesSync(lock, new Date(0), new Date(0));
    const other = storedKey("overtaking");
    await new FileStore({ file }).putKey(other);
    child.kill("SIGCONT");
    await eventually(() => stopped.ids().length > before.length + 3, "it has gone on");
    child.kill("SIGKILL");
    await stopped.ended;
    const kept = new Set(idsIn());
    expect([...stopped.ids(), other.id].filter((id) => !kept.has(id))).toEqual([]);
  }, 40_000);

  test("waits while a process that lives holds the lock", async () => {
    symlinkSync(`${process.ppid} 0123456789ab ${hostname()}`, `${file}.lock`);
    let isWritten = false;
    const writing = new FileStore({ file }).putKey(storedKey("waiting")).then(() => {
      isWritten = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(isWritten).toBe(false);
    rmSync(`${file}.lock`);
    await writing;
    expect(idsIn()).toEqual([storedKey("waiting").id]);
  });
});
