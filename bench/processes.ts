/**
 * The programs that are measured. They are started with a high limit of open files, measured by `/proc` together with all their children, and ended by their
 * process ids. Linux only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** A tick of the clocks in `/proc`, in microseconds. */
const TICK_US = 10_000;
const PAGE_BYTES = 4_096;
const START_MS = 60_000;
const KEPT_OUTPUT = 20_000;

export interface Program {
  pid: number;
  /** What the `ready` pattern has captured. */
  found: RegExpExecArray;
  stop(): Promise<void>;
}

/** Starts a program with the highest limit of open files that the system allows. A shell raises the limit; `exec` keeps its process id. */
export const WITH_MOST_FILES = ["sh", "-c", 'ulimit -n "$(ulimit -Hn)"; exec "$@"', "sh"] as const;

/** Programs that are running. */
const started = new Set<ChildProcess>();

/** Ends all programs, so that an interrupted run leaves none. */
export async function stopPrograms(): Promise<void> {
  await Promise.all([...started].map(end));
}

/** Resolves when `ready` matches what the program writes to standard output or standard error. */
export async function startProgram(words: readonly string[], ready: RegExp, environment: Record<string, string> = {}): Promise<Program> {
  const child = spawn(WITH_MOST_FILES[0], [...WITH_MOST_FILES.slice(1), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  started.add(child);
  child.once("exit", () => started.delete(child));
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    let output = "";
    const fail = (why: string) => {
      child.kill("SIGKILL");
      reject(new Error(`${words.slice(0, 3).join(" ")} ${why}\n${output}`));
    };
    const timer = setTimeout(() => fail("did not start"), START_MS);
    child.once("error", (error) => fail(error.message));
    const early = (code: number | null) => fail(`ended with ${code}`);
    child.once("exit", early);
    const take = (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-KEPT_OUTPUT);
      const match = ready.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      child.off("exit", early);
      resolve(match);
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
  });
  return { pid: child.pid ?? 0, found, stop: () => end(child) };
}

function end(child: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  child.once("exit", () => resolve());
  const root = child.pid;
  if (root === undefined) return Promise.resolve();
  // Children would outlive their program, so they are killed too. The program is stopped first: nginx, for one, would start new children meanwhile.
  signal(root, "SIGSTOP");
  for (const pid of tree([root])) signal(pid, "SIGKILL");
  return promise;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended already.
  }
}

/** The fields of `/proc/PID/stat` after the name, which may contain spaces and brackets; undefined where the process has ended. */
function stat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** The processes and all their descendants. */
export function tree(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(stat(Number(name))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [...roots];
  for (let at = 0; at < found.length; at++) found.push(...(children.get(found[at] ?? -1) ?? []));
  return found;
}

/** User and system time of the processes, their threads and all their descendants, in microseconds. Children that have ended count too. */
export function cpuMicros(roots: readonly number[]): number {
  let ticks = 0;
  for (const pid of tree(roots)) for (const field of stat(pid)?.slice(11, 15) ?? []) ticks += Number(field);
  return ticks * TICK_US;
}

export function rssBytes(roots: readonly number[]): number {
  let pages = 0;
  for (const pid of tree(roots)) pages += Number(stat(pid)?.[21] ?? 0);
  return pages * PAGE_BYTES;
}
