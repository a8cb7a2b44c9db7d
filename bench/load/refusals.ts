/** Callers who hammer a limit that is used up, beside as many whose calls are accepted: CPU of a refusal against that of an accepted request. */
import { keepCalling } from "./callers.ts";
import { check, requestBytes } from "./connection.ts";
import { type Job, type Outcome, only } from "./job.ts";

export async function refusals(job: Job): Promise<Outcome> {
  const target = only(job);
  const { refused } = job;
  if (refused === undefined) throw new Error("nobody is refused");
  const accepted = await keepCalling({
    ...job,
    target,
    warmUpMs: target.warmUpMs,
    request: requestBytes(target, job.body),
    check: (answer) => check(target, target.expect, answer),
    spreadMs: 0,
  });
  const stormed = await keepCalling({
    ...job,
    target,
    warmUpMs: target.warmUpMs,
    request: requestBytes(target, job.body, refused.headers),
    // One a minute is let through.
    check: (answer) => check(target, answer.status === target.expect.status ? target.expect : refused.expect, answer),
    spreadMs: 0,
  });
  const [cpuMicros, cpuMicrosRefused] = [accepted, stormed].map((counted) => counted.cpuMicros / counted.answers) as [number, number];
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
