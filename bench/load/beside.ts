/** A caller of small requests, first alone, and then beside a neighbour with large or hostile requests, who calls from a separate process. */
import { type Job, type Outcome, only } from "./job.ts";
import { open } from "./open.ts";
import { inOwnProcess } from "./process.ts";

/** The second time the program is already warm. This warm-up only lets the neighbour begin before anything is counted. */
const AGAIN_MS = 1_000;

export async function beside(job: Job): Promise<Outcome> {
  const { neighbour, ...quiet } = job;
  const target = only(job);
  if (neighbour === undefined) throw new Error("there is no neighbour");
  const alone = await open({ ...quiet, neighbour: undefined });
  const again = { ...target, warmUpMs: Math.min(target.warmUpMs, AGAIN_MS) };
  const disturbing = inOwnProcess({
    ...quiet,
    kind: "open",
    neighbour: undefined,
    targets: [{ ...target, expect: neighbour.expect, warmUpMs: 0 }],
    body: neighbour.body,
    callers: 1,
    perSecond: neighbour.perSecond,
    // The neighbour begins during the warm-up, and calls until after the end of the count.
    countMs: again.warmUpMs + 2 * job.countMs,
  });
  const [disturbed, [disturber]] = await Promise.all([open({ ...quiet, neighbour: undefined, targets: [again] }), disturbing]);
  const [before, after] = [alone.measures[target.name] ?? {}, disturbed.measures[target.name] ?? {}];
  const { cpuMicros: _, ...times } = after;
  return {
    measures: {
      [target.name]: { ...times, aloneP99Ms: before.p99Ms ?? 0, riseP99Ms: (after.p99Ms ?? 0) - (before.p99Ms ?? 0) },
    },
    calls: alone.calls + disturbed.calls + (disturber?.calls ?? 0),
  };
}
