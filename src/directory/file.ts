/**
 * Keys and workspaces in a local file: the embedded default, for one machine. Every change writes a new file beside the old one, forces it to the
 * disk and gives it the old one's name: a process that dies in between leaves the old file whole. By a lock file only one process writes at a time.
 */
import { randomBytes } from "node:crypto";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Type } from "@sinclair/typebox";
import { Checker } from "../contract/checker.ts";
import { NotReadable, patiently, readTextFile } from "../contract/text-file.ts";
import { codeOf, type HeldLock, lockFile } from "./lock.ts";
import { keyRecord, workspaceRecord } from "./records.ts";
import { type DirectoryStore, DirectoryUnavailable, type Records, type Rotation, type StoredKey, type StoredWorkspace } from "./store.ts";

export interface FileStoreOptions {
  /** Absolute path; it need not exist. */
  file: string;
  /** What an operator should know: that others can read the file. */
  onWarning?: ((text: string) => void) | undefined;
  lookEveryMs?: number | undefined;
}

const FORMAT = 1;
/** File mode: only the owner may read and write. */
const MODE = 0o600;
const LOOK_EVERY_MS = 250;
/** Longer than any process waits for the lock. Where a change takes longer, the administrator has to check whether it was made. */
const CHANGE_PATIENCE_MS = 20_000;
/** Some 400 bytes for each key: 150,000 of them. */
const MOST_BYTES = 64 * 1024 * 1024;

const content = new Checker(
  Type.Object({ format: Type.Literal(FORMAT), keys: Type.Array(keyRecord), workspaces: Type.Array(workspaceRecord) }),
);

interface Held {
  keys: Map<string, StoredKey>;
  workspaces: Map<string, StoredWorkspace>;
}

export class FileStore implements DirectoryStore {
  readonly source = "file";
  readonly #file: string;
  readonly #options: FileStoreOptions;
  /** Time, size and inode of the file when it was last read; "" where it must be read again. */
  #stamp = "";
  /** The stamp at the last `load`. `watch` also reports what this process has read or written since then, because its caller has not loaded it. */
  #loaded = "";
  #held: Held = { keys: new Map(), workspaces: new Map() };
  #state = "ok";
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Changes by this process are made one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: FileStoreOptions) {
    this.#file = options.file;
    this.#options = options;
  }

  get state(): string {
    return this.#state;
  }

  async load(): Promise<Records> {
    const { keys, workspaces } = await this.#read();
    this.#loaded = this.#stamp;
    return { keys: [...keys.values()], workspaces: [...workspaces.values()] };
  }

  async find(sha256: string): Promise<StoredKey | undefined> {
    for (const key of (await this.#read()).keys.values()) if (key.sha256 === sha256) return key;
    return undefined;
  }

  async putKey(key: StoredKey): Promise<void> {
    await this.#change(({ keys }) => {
      keys.set(key.id, key);
      return true;
    });
  }

  async rotateKey(ending: StoredKey, fresh: StoredKey): Promise<Rotation> {
    let refusal: Rotation = "unknown";
    const isDone = await this.#change(({ keys }) => {
      const before = keys.get(ending.id);
      refusal = before === undefined ? "unknown" : "replaced";
      if (before === undefined || before.replacedBy !== undefined) return false;
      keys.set(ending.id, { ...ending, lastUsedAtMs: before.lastUsedAtMs });
      keys.set(fresh.id, fresh);
      return true;
    });
    return isDone ? "rotated" : refusal;
  }

  removeKey(id: string): Promise<boolean> {
    return this.#change(({ keys }) => keys.delete(id));
  }

  putWorkspace(workspace: StoredWorkspace, replace: boolean): Promise<boolean> {
    return this.#change(({ workspaces }) => {
      if (!replace && workspaces.has(workspace.name)) return false;
      workspaces.set(workspace.name, workspace);
      return true;
    });
  }

  removeWorkspace(name: string): Promise<boolean> {
    return this.#change(({ keys, workspaces }) => {
      if (!workspaces.delete(name)) return false;
      for (const [id, { workspace }] of keys) if (workspace === name) keys.delete(id);
      return true;
    });
  }

  async touch(lastUsedAtMs: ReadonlyMap<string, number>): Promise<void> {
    await this.#change(({ keys }) => {
      let changed = false;
      for (const [id, atMs] of lastUsedAtMs) {
        const key = keys.get(id);
        if (key === undefined || (key.lastUsedAtMs ?? 0) >= atMs) continue;
        keys.set(id, { ...key, lastUsedAtMs: atMs });
        changed = true;
      }
      return changed;
    });
  }

  watch(onChange: () => void): void {
    const look = async () => {
      // A file that cannot be looked at is reported by the load that fails.
      if ((await this.#stampNow().catch(() => undefined)) !== this.#loaded) onChange();
    };
    let isLooking = false;
    this.#timer = setInterval(() => {
      if (isLooking) return; // One at a time: on a path that hangs, more and more of them would wait.
      isLooking = true;
      void look().finally(() => {
        isLooking = false;
      });
    }, this.#options.lookEveryMs ?? LOOK_EVERY_MS);
    this.#timer.unref?.();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#turn;
  }

  /** A missing file holds nothing. A file that may not be looked at is an error: otherwise every key would be forgotten. */
  async #stampNow(): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await patiently(this.#file, () => stat(this.#file));
      return `${mtimeMs} ${size} ${ino}`;
    } catch (thrown) {
      if (codeOf(thrown) === "ENOENT") return "none";
      throw thrown;
    }
  }

  async #read(): Promise<Held> {
    try {
      // The stamp is taken before the content: a change in between is seen at the next look.
      const stamp = await this.#stampNow();
      if (stamp === this.#stamp) return this.#held;
      this.#held = stamp === "none" ? { keys: new Map(), workspaces: new Map() } : await this.#parse();
      this.#stamp = stamp;
      this.#state = "ok";
      return this.#held;
    } catch (thrown) {
      this.#stamp = "";
      throw this.#unavailable(thrown);
    }
  }

  async #parse(): Promise<Held> {
    const text = await readTextFile(this.#file, MOST_BYTES);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new DirectoryUnavailable(`${this.#file} is not JSON: restore it from a copy, or move it away to begin without keys`);
    }
    if (!content.fits(value)) {
      const at = content.errors(value).First()?.path ?? "";
      throw new DirectoryUnavailable(
        `${this.#file} is no key file of this version${at === "" ? "" : ` (at ${at})`}: it is left as it is; set another file in directory.file`,
      );
    }
    const { mode } = await patiently(this.#file, () => stat(this.#file));
    if ((mode & 0o077) !== 0) this.#options.onWarning?.(`${this.#file} can be read by others than its owner: chmod 600 ${this.#file}`);
    // The schema has said what each field is; a field that is absent reads as undefined.
    const { keys, workspaces } = value as unknown as { keys: StoredKey[]; workspaces: StoredWorkspace[] };
    return { keys: new Map(keys.map((key) => [key.id, key])), workspaces: new Map(workspaces.map((one) => [one.name, one])) };
  }

  /** Applies a change to what the file holds now, and writes it; false where there was nothing to change. */
  #change(change: (held: Held) => boolean): Promise<boolean> {
    const turn = this.#turn.then(async () => {
      try {
        let outcome = await this.#changeOnce(change);
        while (outcome === "overtaken") outcome = await this.#changeOnce(change);
        return outcome === "changed";
      } catch (thrown) {
        throw this.#unavailable(thrown);
      }
    });
    this.#turn = turn.catch(() => {});
    return patiently(`a change of ${this.#file}`, () => turn, CHANGE_PATIENCE_MS).catch((thrown) => {
      throw this.#unavailable(thrown);
    });
  }

  async #changeOnce(change: (held: Held) => boolean): Promise<"changed" | "unchanged" | "overtaken"> {
    const lock = await lockFile(`${this.#file}.lock`);
    try {
      // Two quick changes by others can leave the same stamp, so the file is always read before it is changed.
      this.#stamp = "";
      const { keys, workspaces } = await this.#read();
      const next: Held = { keys: new Map(keys), workspaces: new Map(workspaces) };
      if (!change(next)) return "unchanged";
      if (!(await this.#write(next, lock))) return "overtaken";
      this.#held = next;
      this.#stamp = await this.#stampNow();
      this.#state = "ok";
      return "changed";
    } finally {
      await lock.release();
    }
  }

  /** False, and nothing is changed, where another process has written since, because this process was stopped for too long. */
  async #write({ keys, workspaces }: Held, lock: HeldLock): Promise<boolean> {
    const text = JSON.stringify({ format: FORMAT, keys: [...keys.values()], workspaces: [...workspaces.values()] }, null, 2);
    const folder = dirname(this.#file);
    const prefix = `.${basename(this.#file)}.new-`;
    // Files that processes have left which died while they wrote.
    for (const name of await readdir(folder)) if (name.startsWith(prefix)) await rm(join(folder, name), { force: true });
    // A random name: a process that is stopped here and continues later writes into this file, not into the one that is in force by then.
    const fresh = join(folder, prefix + randomBytes(6).toString("hex"));
    try {
      const handle = await open(fresh, "wx", MODE);
      try {
        await handle.writeFile(`${text}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      if (!(await lock.isHeld())) {
        await rm(fresh, { force: true });
        return false;
      }
      await rename(fresh, this.#file);
    } catch (thrown) {
      // The process that took the lock over has removed the new file.
      if (codeOf(thrown) === "ENOENT" && !(await lock.isHeld())) return false;
      await rm(fresh, { force: true }).catch(() => {});
      throw thrown;
    }
    await syncFolder(folder);
    return true;
  }

  #unavailable(thrown: unknown): DirectoryUnavailable {
    const why = thrown instanceof NotReadable ? `${thrown.message}: put the key file back` : whatToDo(codeOf(thrown));
    const failure = thrown instanceof DirectoryUnavailable ? thrown : new DirectoryUnavailable(`${this.#file} ${why}`);
    this.#state = failure.message;
    return failure;
  }
}

/** A rename is on the disk once its folder is. Some file systems cannot force a folder to the disk; there the rename is as safe as they make it. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    await handle.sync().finally(() => handle.close());
  } catch {
    // As above.
  }
}

function whatToDo(code: string): string {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "cannot be written: the disk is full, make room";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "cannot be written: give this user write access to its folder, or set another file in directory.file";
    case "ENOENT":
    case "ENOTDIR":
      return "cannot be written: its folder does not exist: make it, or set another file in directory.file";
    default:
      return `cannot be read or written (${code === "" ? "unknown reason" : code})`;
  }
}
