/** A lock between processes: a symbolic link, which only one process can make. The link appears together with its content, so it is never half written. */
import { randomBytes } from "node:crypto";
import { lstat, readlink, rm, symlink } from "node:fs/promises";
import { hostname } from "node:os";
import process from "node:process";
import { DirectoryUnavailable } from "./store.ts";

/** A change takes milliseconds; a lock this old was left by a machine that died. */
const STALE_MS = 10_000;
const RETRY_MS = 10;
/** Longer than a lock takes to become stale: every process that waits gets its turn. */
const PATIENCE_MS = 12_000;

/** The locks of this process. In a container a process has the same id as the one that died there before, so the id alone does not show whose lock it is. */
const held = new Set<string>();

/** A lock that this process has taken. */
export interface HeldLock {
  /** False where another process took it over, because this process was stopped for too long: what it has prepared is out of date. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * Waits for its turn. A lock whose process is gone is taken over.
 * @throws DirectoryUnavailable where another process keeps it, or the error of the file system.
 */
export async function lockFile(file: string): Promise<HeldLock> {
  const owner = `${process.pid} ${randomBytes(6).toString("hex")} ${hostname()}`;
  const untilMs = performance.now() + PATIENCE_MS;
  held.add(owner);
  try {
    while (!(await make(file, owner))) {
      if (performance.now() > untilMs) throw new DirectoryUnavailable(`another process holds ${file}: remove this file if no process does`);
      const stale = await staleOwner(file);
      if (stale === undefined) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      else await takeAway(file, stale);
    }
  } catch (thrown) {
    held.delete(owner);
    throw thrown;
  }
  const isHeld = async () => (await ownerOf(file)) === owner;
  return {
    isHeld,
    release: async () => {
      if (await isHeld()) await rm(file, { force: true });
      held.delete(owner);
    },
  };
}

/** False where the lock is there already. */
async function make(file: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, file);
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST") return false;
    throw thrown;
  }
}

/** Behind a second lock: of two processes that saw the same stale lock, the slower one could otherwise remove the lock that the quicker one has made since. */
async function takeAway(file: string, stale: string): Promise<void> {
  const over = await lockFile(`${file}.over`);
  try {
    if ((await ownerOf(file)) === stale) await rm(file, { force: true });
  } finally {
    await over.release();
  }
}

/** The owner of the lock, where its process is gone; else undefined. */
async function staleOwner(file: string): Promise<string | undefined> {
  const owner = await ownerOf(file);
  if (owner === undefined) return undefined;
  const [pid = "", , host] = owner.split(" ");
  if (host === hostname() && !isAlive(Number(pid), owner)) return owner;
  try {
    return Date.now() - (await lstat(file)).mtimeMs > STALE_MS ? owner : undefined;
  } catch {
    // The lock has gone meanwhile.
    return undefined;
  }
}

/** Undefined where there is no lock; "" for anything else with its name: only its age can show that it is stale. */
async function ownerOf(file: string): Promise<string | undefined> {
  try {
    return await readlink(file);
  } catch (thrown) {
    return codeOf(thrown) === "ENOENT" ? undefined : "";
  }
}

function isAlive(pid: number, owner: string): boolean {
  if (pid === process.pid) return held.has(owner);
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === "EPERM";
  }
}

/** The code of an error of the file system; "" for any other error. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}
