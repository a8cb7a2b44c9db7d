/** What tests do while another process, thread or clock is at work. */
import { createServer } from "node:net";

/** A change of a configuration, a key or a workspace is in force within this time: docs/operations.md and docs/keys.md promise it. */
const PROMPTLY_MS = 1_000;
/** A look that takes longer shows that the machine is busy with other tests. The rest of that time does not count. */
const MOST_OF_A_LOOK_MS = 50;
const BETWEEN_LOOKS_MS = 5;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks again every few milliseconds until `holds` says yes.
 * @param what - Named in the error: what did not happen. A function is called then, and can say how far it came.
 * @param timeoutMs - Room for a busy machine, and no promise of the product.
 * @throws Error after `timeoutMs`.
 */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string),
  timeoutMs = 15_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not in ${timeoutMs} ms: ${typeof what === "string" ? what : what()}`);
    await pause(BETWEEN_LOOKS_MS);
  }
}

/**
 * Asks again every few milliseconds until `isSo` says yes of the answer, and returns that answer.
 * @throws Error after `timeoutMs`, with the last answer.
 */
export async function eventualAnswer<T>(ask: () => T | Promise<T>, isSo: (answer: T) => boolean, timeoutMs = 15_000): Promise<T> {
  let answer: T | undefined;
  const holds = async () => {
    answer = await ask();
    return isSo(answer);
  };
  await eventually(holds, () => `the last answer is ${JSON.stringify(answer)}`, timeoutMs);
  return answer as T;
}

/**
 * `eventually`, for what Weir promises within a second.
 * @throws Error after that second, in which each look counts as 50 ms at most: a busy machine breaks no promise of Weir.
 */
export async function promptly(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  let spentMs = 0;
  let lookedMs = performance.now();
  while (!(await holds())) {
    if (spentMs > PROMPTLY_MS) throw new Error(`not in ${PROMPTLY_MS} ms: ${what}`);
    await pause(BETWEEN_LOOKS_MS);
    const nowMs = performance.now();
    spentMs += Math.min(nowMs - lookedMs, MOST_OF_A_LOOK_MS);
    lookedMs = nowMs;
  }
}

/**
 * A port on which nothing listens, now or later: the system gives no program a port below 1024 by chance. A port that was only free when it was looked for (`freePort`)
 * may be another program's by the time that a test calls it.
 */
export const DEAD_PORT = 1;

/** A port of this machine on which nothing listens now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
