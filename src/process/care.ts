import type { Metrics } from "../metrics/metrics.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { BodyClock } from "../request/body-clock.ts";
import type { Shedding } from "../request/shedding.ts";

const CARE_MS = 250;

export interface CareParts {
  pool: WorkerPool;
  metrics: Metrics;
  bodyClock: BodyClock;
  shedding: Shedding;
}

/** Four times a second: how late this thread is, whether the workers still answer, and which bodies are late. */
export function care({ pool, metrics, bodyClock, shedding }: CareParts): void {
  let expectedMs = performance.now() + CARE_MS;
  setInterval(() => {
    const nowMs = performance.now();
    const lagMs = Math.max(0, nowMs - expectedMs);
    metrics.frontLag(lagMs);
    shedding.sample(lagMs);
    bodyClock.check(nowMs);
    pool.checkPulses(nowMs, lagMs);
    expectedMs = nowMs + CARE_MS;
  }, CARE_MS);
}
