/**
 * Several rounds by programs that are started and warmed up once, and that all run at the same time: in each round every one of them is loaded for a
 * short while. All see the same minute of the machine, and most of the time is spent counting.
 */
import type { Job, Kind, Outcome, Target } from "./job.ts";
import { KINDS } from "./kinds.ts";

/** The kinds of load that leave a program as they found it. */
export const TURNING: ReadonlySet<Kind> = new Set<Kind>(["closed", "pairs", "refusals"]);

/** Until its connections are open. */
const SETTLING_MS = 100;
/** A warm-up is a round whose figures are thrown away. */
const NOTHING_MS = 1;

export async function rounds(job: Job): Promise<Outcome[]> {
  if (job.turns === 0) return [await KINDS[job.kind](job)];
  const isTogether = job.kind === "pairs";
  const groups: Target[][] = isTogether ? [job.targets] : job.targets.map((target) => [target]);
  for (const targets of groups) await KINDS[job.kind]({ ...job, targets, countMs: NOTHING_MS });
  const outcomes: Outcome[] = [];
  for (let turn = 0; turn < job.turns; turn++) {
    const outcome: Outcome = { measures: {}, calls: 0 };
    // The order alternates: what one leaves behind (heat, caches) does not always meet the same one.
    for (const targets of turn % 2 === 0 ? groups : groups.toReversed()) {
      const settled = targets.map((target) => ({ ...target, warmUpMs: isTogether ? 0 : Math.min(target.warmUpMs, SETTLING_MS) }));
      const { measures, calls } = await KINDS[job.kind]({ ...job, targets: settled });
      Object.assign(outcome.measures, measures);
      outcome.calls += calls;
    }
    outcomes.push(outcome);
  }
  return outcomes;
}
