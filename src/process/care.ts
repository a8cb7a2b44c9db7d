import { Crowd } from "../contract/crowd.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { BodyClock } from "../request/body/clock.ts";
import type { Shedding } from "../request/load/shedding.ts";

const CARE_MS = 250;

export interface CareParts {
  pool: WorkerPool;
  metrics: Metrics;
  bodyClock: BodyClock;
  shedding: Shedding;
}

/** Four times a second: how late this thread is, whether the workers still answer, which bodies are late, and how many calls are open. */
export function care({ pool, metrics, bodyClock, shedding }: CareParts): void {
  const crowd = new Crowd();
  let expectedMs = performance.now() + CARE_MS;
  setInterval(() => {
    const nowMs = performance.now();
    const lagMs = Math.max(0, nowMs - expectedMs);
    metrics.workers.frontLag(lagMs);
    shedding.sample(lagMs);
    bodyClock.check(nowMs);
    pool.checkPulses(nowMs, lagMs);
    crowd.look(pool.samples().reduce((sum, { calls }) => sum + calls, 0));
    expectedMs = nowMs + CARE_MS;
  }, CARE_MS);
}
