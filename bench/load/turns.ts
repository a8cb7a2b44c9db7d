/**
 * Several rounds with programs that are started and warmed up once, and that all run at the same time. In each round every program is loaded for a short time.
 * So all are measured within the same minute of the machine, and most of the time is used for counting.
 */
import type { Job, Kind, Outcome, Target } from "./job.ts";
import { KINDS } from "./kinds.ts";

/** The kinds of load after which a program is in the same state as before. */
export const TURNING: ReadonlySet<Kind> = new Set<Kind>(["closed", "pairs", "refusals"]);

/** A short warm-up, in which connections are opened. */
const SETTLING_MS = 100;
/** The warm-up of a program is a round with this count, whose figures are not used. */
const NOTHING_MS = 1;

export async function rounds(job: Job): Promise<Outcome[]> {
  if (job.turns === 0) return [await KINDS[job.kind](job)];
  const isTogether = job.kind === "pairs";
  const groups: Target[][] = isTogether ? [job.targets] : job.targets.map((target) => [target]);
  for (const targets of groups) await KINDS[job.kind]({ ...job, targets, countMs: NOTHING_MS });
  const outcomes: Outcome[] = [];
  for (let turn = 0; turn < job.turns; turn++) {
    const outcome: Outcome = { measures: {}, calls: 0 };
    // The order is reversed in every other turn, so that heat and caches of one variant do not always meet the same next one.
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
