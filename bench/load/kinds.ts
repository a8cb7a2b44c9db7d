/** The kinds of load, by the name that a job calls them. */
import { closed } from "./closed.ts";
import type { Job, Outcome } from "./job.ts";

export const KINDS = { closed } satisfies Record<string, (job: Job) => Promise<Outcome>>;
export type Kind = keyof typeof KINDS;
