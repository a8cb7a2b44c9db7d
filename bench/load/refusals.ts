/**
 * Callers whose calls are accepted, and then the same number of callers whose limit is used up: the CPU of a refusal compared with that of an
 * accepted request. A variant without limits has only the accepted calls.
 */
import { keepCalling } from "./callers.ts";
import { check, requestBytes } from "./connection.ts";
import { type Job, type Outcome, only } from "./job.ts";

export async function refusals(job: Job): Promise<Outcome> {
  const target = only(job);
  const { refused } = target;
  const accepted = await keepCalling({
    ...job,
    target,
    warmUpMs: target.warmUpMs,
    request: requestBytes(target, job.body),
    check: (answer) => check(target, target.expect, answer),
    spreadMs: 0,
  });
  const cpuMicros = accepted.cpuMicros / accepted.answers;
  if (refused === undefined) return { measures: { [target.name]: { cpuMicros } }, calls: accepted.tally.calls };
  const stormed = await keepCalling({
    ...job,
    target,
    warmUpMs: target.warmUpMs,
    request: requestBytes(target, job.body, refused.headers),
    // The limit accepts one call a minute.
    check: (answer) => check(target, answer.status === target.expect.status ? target.expect : refused.expect, answer),
    spreadMs: 0,
  });
  const cpuMicrosRefused = stormed.cpuMicros / stormed.answers;
  return {
    measures: {
      [target.name]: {
        cpuMicros,
        cpuMicrosRefused,
        refusedRatio: cpuMicrosRefused / cpuMicros,
        requestsPerSecond: (stormed.answers / stormed.elapsedMs) * 1_000,
      },
    },
    calls: accepted.tally.calls + stormed.tally.calls,
  };
}
