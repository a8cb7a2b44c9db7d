import type { Metrics } from "../metrics/metrics.ts";
import type { Pool } from "../pool/pool.ts";
import type { BodyClock } from "../request/body-clock.ts";

const CARE_MS = 1_000;

/** Once a second: how late this thread is, whether the workers still answer, and which bodies are late. */
export function care(pool: Pool, metrics: Metrics, bodyClock: BodyClock): void {
  let expectedMs = performance.now() + CARE_MS;
  setInterval(() => {
    const nowMs = performance.now();
    metrics.frontLag(Math.max(0, nowMs - expectedMs));
    bodyClock.check(nowMs);
    // Reports that wait behind a delay of our own would look like silence.
    if (nowMs - expectedMs < CARE_MS) pool.checkPulses(nowMs);
    expectedMs = nowMs + CARE_MS;
  }, CARE_MS);
}
