/** Every scenario, in the order in which they are run. */
import { CALLS } from "./calls.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [...CALLS];
