/** Callers who call again as soon as they are answered: throughput, and CPU per request or per chunk. */
import { quantile } from "../result.ts";
import { keepCalling, warmUp } from "./callers.ts";
import { check, requestBytes } from "./connection.ts";
import { type Job, type Outcome, only } from "./job.ts";

/** The time between the beginning of the last paced stream and the count. */
const SETTLING_MS = 1_000;

export async function closed(job: Job): Promise<Outcome> {
  const target = only(job);
  const isPaced = job.paceMs > 0;
  // With paced streams alone, a program would not be warm for minutes.
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
  // A stream that begins before the count or ends after it counts by its bytes within the count.
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
