/** How much memory there is for this process and the processes that it starts: the machine's memory, or less where control groups allow less. */
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { posix } from "node:path";

/** Where the kernel shows its control groups, and the files that hold a bound of memory: version 2, and version 1. */
const UNIFIED = { folder: "/sys/fs/cgroup", file: "memory.max" };
const LEGACY = { folder: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" };

/**
 * Bytes. The groups above count too. In a container the names of the groups may be those on the host; then only the topmost group is found.
 * @param read - A file's text; throws where there is none. Default: the system's.
 */
export function memoryBytes(read: (file: string) => string = readText, machineBytes: number = totalmem()): number {
  let least = machineBytes;
  for (const line of linesOf("/proc/self/cgroup", read)) {
    const [, controllers = "", ...names] = line.split(":");
    const kind = controllers === "" ? UNIFIED : controllers.split(",").includes("memory") ? LEGACY : undefined;
    if (kind === undefined) continue;
    for (let group = posix.join("/", names.join(":")); ; group = posix.dirname(group)) {
      const [bound = ""] = linesOf(posix.join(kind.folder, group, kind.file), read);
      // "max" where there is no bound.
      if (/^[0-9]+$/.test(bound) && Number(bound) > 0) least = Math.min(least, Number(bound));
      if (group === "/") break;
    }
  }
  return least;
}

/** A smaller heap is collected more often than large bodies need. A larger one keeps garbage longer, and no call gets faster. */
const LEAST_HEAP = 256 * 1024 ** 2;
const LARGEST_HEAP = 512 * 1024 ** 2;

/** Bytes for the heap of one thread. With the default settings there are as many threads as processors. */
export function heapBytes(memory: number = memoryBytes(), processors: number = availableParallelism()): number {
  return Math.min(LARGEST_HEAP, Math.max(LEAST_HEAP, Math.floor(memory / processors)));
}

/** The lines of a file; none where the file does not exist. */
function linesOf(file: string, read: (file: string) => string): string[] {
  try {
    return read(file).trim().split("\n");
  } catch {
    return [];
  }
}

function readText(file: string): string {
  return readFileSync(file, "utf8");
}
