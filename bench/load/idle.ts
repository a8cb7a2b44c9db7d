/** How much memory a program needs that has just been started and gets no calls. */
import { rssBytes } from "../processes.ts";
import { type Job, type Outcome, only } from "./job.ts";

export async function idle(job: Job): Promise<Outcome> {
  const target = only(job);
  // In this time it can give back memory that only its start needed.
  await Bun.sleep(job.countMs);
  return { measures: { [target.name]: { rssBytes: rssBytes(target.pids) } }, calls: 0 };
}
