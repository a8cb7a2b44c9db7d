/** A lock between processes: a file that only one can make. */
import { open, readFile, rm, stat } from "node:fs/promises";
import process from "node:process";
import { DirectoryUnavailable } from "./store.ts";

/** A change takes milliseconds; a lock this old was left by a machine that died. */
const STALE_MS = 10_000;
const RETRY_MS = 10;
const PATIENCE_MS = 5_000;
const MODE = 0o600;

/**
 * Waits for its turn; what it gives back ends it. A lock whose process is gone is taken over.
 * @throws DirectoryUnavailable where another process keeps it, or the error of the file system.
 */
export async function lockFile(file: string): Promise<() => Promise<void>> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (!(await make(file))) {
    if (await isStale(file)) await rm(file, { force: true });
    else if (performance.now() > untilMs) throw new DirectoryUnavailable(`another process holds ${file}: remove it if none does`);
    else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return () => rm(file, { force: true });
}

/** False where there is one. */
async function make(file: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx", MODE);
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST") return false;
    throw thrown;
  }
}

/** True where whoever made the lock is gone. An empty one is being written, or its writer died that moment: then only its age tells. */
async function isStale(file: string): Promise<boolean> {
  try {
    const pid = Number(await readFile(file, "utf8"));
    if (pid > 0 && !isAlive(pid)) return true;
    return Date.now() - (await stat(file)).mtimeMs > STALE_MS;
  } catch {
    // Gone meanwhile.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === "EPERM";
  }
}

/** What the file system calls its error; "" where it is none of its. */
export function codeOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}
