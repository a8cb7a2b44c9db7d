/** What the sentences about several processes share: a gateway of three, and a way to tell them apart. */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { eventually } from "../../support/waits.ts";
import type { Weir } from "../../support/weir.ts";

export const PROCESSES = 3;

/** The ids of the gateway processes, by number: of those that took a place last. */
export function pidsOf(weir: Weir): number[] {
  const pids: number[] = [];
  for (const { message, started, pid } of weir.log()) if (message === "a process listens") pids[Number(started)] = Number(pid);
  return pids;
}

/** False also for one that has ended, and whose parent has not asked for its exit code yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function accepts(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Waits until nothing of a gateway is left. */
export async function goneWhole(weir: Weir, pids: readonly number[]): Promise<void> {
  await eventually(() => !pids.some(isAlive), "every process to be gone");
  await eventually(async () => !(await accepts(weir.url)), "the port to be free");
}

/** The numbers of the processes that logged such a line. */
export function tellers(weir: Weir, predicate: (line: Record<string, unknown>) => boolean): number[] {
  return [
    ...new Set(
      weir
        .log()
        .filter(predicate)
        .map((line) => Number(line.process)),
    ),
  ].sort();
}
