/** All kinds of load, by their names. */
import { aborts } from "./aborts.ts";
import { beside } from "./beside.ts";
import { closed } from "./closed.ts";
import { heads } from "./heads.ts";
import { idle } from "./idle.ts";
import type { Job, Kind, Outcome } from "./job.ts";
import { open } from "./open.ts";
import { pairs } from "./pairs.ts";
import { refusals } from "./refusals.ts";
import { slow } from "./slow.ts";

export const KINDS: Readonly<Record<Kind, (job: Job) => Promise<Outcome>>> = {
  aborts,
  beside,
  closed,
  heads,
  idle,
  open,
  pairs,
  refusals,
  slow,
};
