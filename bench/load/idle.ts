/** How much memory a program needs that has just been started and gets no calls. */
import { rssBytes } from "../processes.ts";
import { type Job, type Outcome, only } from "./job.ts";

/** So many measuring times: 6 s with `--targets`. A program that was asked a second ago is not idle yet. */
const MEASURING_TIMES = 4;

export async function idle(job: Job): Promise<Outcome> {
  const target = only(job);
  // In this time it can give back memory that only its start needed.
  await Bun.sleep(MEASURING_TIMES * job.countMs);
  return { measures: { [target.name]: { rssBytes: rssBytes(target.pids) } }, calls: 0 };
}
