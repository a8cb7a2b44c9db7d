/** Every scenario, in the order in which they are run. */
import { CALLS } from "./calls.ts";
import { CROWDS } from "./crowds.ts";
import { LATENCY } from "./latency.ts";
import { NEIGHBOURS } from "./neighbours.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [...CALLS, ...LATENCY, ...NEIGHBOURS, ...CROWDS];
