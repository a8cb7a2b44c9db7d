/** Throughput, and CPU per request and per chunk. */
import { quantile } from "../result.ts";
import { keepCalling, warmUp } from "./callers.ts";
import { check, requestBytes } from "./connection.ts";
import { type Job, type Outcome, only } from "./job.ts";

/** Time after all paced streams have begun, before the count. */
const SETTLING_MS = 1_000;

export async function closed(job: Job): Promise<Outcome> {
  const target = only(job);
  const isPaced = job.paceMs > 0;
  // At its own pace a program would not be warm in minutes.
  if (isPaced) await warmUp(target, job.warmUpBody);
  const counted = await keepCalling({
    ...job,
    target,
    request: requestBytes(target, job.body),
    check: (answer) => check(target, target.expect, answer),
    spreadMs: job.paceMs * job.chunks,
    warmUpMs: isPaced ? Math.min(target.warmUpMs, SETTLING_MS) : target.warmUpMs,
  });
  const [least, most] = target.expect.bytes;
  // Streams that begin before the count or end after it count by the bytes that came in it.
  const answers = counted.bytes / ((least + most) / 2);
  const { gapsMs } = counted.tally;
  const times = isPaced
    ? { gapP50Ms: quantile(gapsMs, 0.5), gapP99Ms: quantile(gapsMs, 0.99) }
    : { p50Ms: quantile(counted.latenciesMs, 0.5), p99Ms: quantile(counted.latenciesMs, 0.99) };
  const perPart = { [job.chunks > 0 ? "cpuMicrosPerChunk" : "cpuMicros"]: counted.cpuMicros / answers / (job.chunks || 1) };
  return {
    measures: {
      [target.name]: {
        ...(target.pids.length === 0 ? {} : perPart),
        requestsPerSecond: (answers / counted.elapsedMs) * 1_000,
        ...times,
      },
    },
    calls: counted.tally.calls,
  };
}
