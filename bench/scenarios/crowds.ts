/** Many at once, and what is left of them: slow streams, callers who leave, callers who are refused. */
import { inBoth } from "./scenario.ts";

/** Who has memory and a limit of its own. */
const between = ["bare", "weir", "nginx"];

export const CROWDS = inBoth({
  "slow-1000": { title: "1,000 slow streams", kind: "slow", asks: "slow", callers: 1_000, beside: between },
  "slow-10000": { title: "10,000 slow streams", kind: "slow", asks: "slow", callers: 10_000, beside: between },
  aborts: { title: "half of 200 streams left mid-way", kind: "aborts", asks: "paced", callers: 200, beside: between },
  refusals: { title: "64 callers hammer a used-up limit", kind: "refusals", asks: "answer", beside: ["weir"], peers: false, refuses: true },
});
