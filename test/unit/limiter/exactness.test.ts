/**
 * Several processes on one Redis, compared with an exact log. The window is three seconds instead of a minute, with the same resolution of a 600th, so the figures in
 * parts of the limit are those of a minute. `WEIR_EXACTNESS_WINDOW_MS=60000` runs it with windows of a minute (some three minutes).
 */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { CODE } from "../../../src/limiter/store.ts";
import { haveRedis, startRedis } from "../../support/redis.ts";
import { RPM, type Told, TPM } from "./exactness-caller.ts";

const WINDOW_MS = Number(process.env.WEIR_EXACTNESS_WINDOW_MS ?? 3000);
const PROCESSES = 3;
const WINDOWS = 2.6;

/** The largest sum of `weight` over any `count` neighbouring ticks. */
function largest(told: readonly Told[], count: number, weight: (line: Told) => number): number {
  const lines = [...told].sort((a, b) => a[4] - b[4]);
  let [sum, most, first] = [0, 0, 0];
  for (const line of lines) {
    sum += weight(line);
    for (let oldest = lines[first]; oldest !== undefined && oldest[4] <= line[4] - count; oldest = lines[++first]) sum -= weight(oldest);
    most = Math.max(most, sum);
  }
  return most;
}

test.skipIf(!haveRedis)(
  "three processes on one Redis, in bursts across window edges: nothing over the limits in any window, at any offset",
  async () => {
    const server = await startRedis();
    const beginMs = Date.now() + 600;
    const callers = Array.from({ length: PROCESSES }, (_, seed) =>
      Bun.spawn([
        process.execPath,
        join(import.meta.dir, "exactness-caller.ts"),
        ...[server.url, WINDOW_MS, seed + 1, beginMs, beginMs + WINDOWS * WINDOW_MS].map(String),
      ]),
    );
    const told = (await Promise.all(callers.map(async ({ stdout }) => JSON.parse(await new Response(stdout).text()) as Told[]))).flat();
    await server.stop();

    const lines: string[] = [];
    for (const pair of [0, 1]) {
      const asked = told.filter((line) => line[0] === pair).sort((a, b) => a[1] + a[2] - b[1] - b[2]);
      const admitted = asked.filter((line) => line[3] === CODE.admitted);
      expect(admitted.length).toBeGreaterThan(pair === 0 ? RPM : 100);
      expect(admitted.length).toBeLessThan(asked.length * 0.9);

      // By Redis's clock: every span as long as a window lies within 601 neighbouring ticks.
      const requests = largest(admitted, 601, () => 1);
      const tokens = largest(admitted, 601, (line) => line[5]);
      expect(requests).toBeLessThanOrEqual(RPM);
      expect(tokens).toBeLessThanOrEqual(TPM);

      // By the callers' own clocks, which do not depend on Redis: what was certainly admitted within a span.
      for (const { 1: fromMs } of admitted) {
        const within = admitted.filter((line) => line[1] >= fromMs && line[2] <= fromMs + WINDOW_MS);
        expect(within.length).toBeLessThanOrEqual(RPM);
      }
      lines.push(
        `${asked.length} asked, ${admitted.length} admitted, at most ${requests} requests and ${tokens} tokens settled in any window`,
      );

      if (pair === 0) {
        // A call that was refused would also have been refused by a log, one and a half ticks (150 ms of a minute) earlier.
        const tardyMs = (WINDOW_MS / 600) * 1.5;
        for (const [, sentMs, answeredMs, code] of asked) {
          if (code === CODE.admitted) continue;
          const counted = admitted.filter((line) => line[2] >= sentMs - WINDOW_MS - tardyMs && line[1] <= answeredMs).length;
          expect(counted).toBeGreaterThanOrEqual(RPM);
        }
        // The same calls at the same moments, admitted by an exact log.
        const exact = exactCount(asked);
        const underuse = (1 - admitted.length / exact) * 100;
        lines.push(
          `over-admission ${Math.max(0, requests - RPM)}, under-use ${underuse.toFixed(2)} % of what an exact log admits (${exact})`,
        );
        expect(underuse).toBeLessThan(3);
      }
    }
    console.info(`exactness, ${PROCESSES} processes, window ${WINDOW_MS} ms:\n  ${lines.join("\n  ")}`);
  },
  { timeout: WINDOWS * WINDOW_MS + 15_000 },
);

/** How many of these calls an exact log would have admitted. */
function exactCount(asked: readonly Told[]): number {
  const log: number[] = [];
  let first = 0;
  for (const [, sentMs, answeredMs] of asked) {
    const atMs = (sentMs + answeredMs) / 2;
    while (first < log.length && (log[first] ?? 0) <= atMs - WINDOW_MS) first++;
    if (log.length - first < RPM) log.push(atMs);
  }
  return log.length;
}
