/**
 * Many callers at the same time, and what is left of them: slow streams, callers who leave, callers who are refused, connections that never finish their head.
 * And the memory of a gateway without calls.
 */
import { COMPILED, inBoth, scenario } from "./scenario.ts";

/** The variants between caller and upstream that are not compiled baselines. */
const between = ["bare", "weir", "nginx"];

const crowds = inBoth({
  "slow-1000": { title: "1,000 slow streams", kind: "slow", asks: "slow", callers: 1_000, beside: [...between, ...COMPILED] },
  "slow-10000": { title: "10,000 slow streams", kind: "slow", asks: "slow", callers: 10_000, beside: [...between, ...COMPILED] },
  aborts: { title: "half of 200 streams left mid-way", kind: "aborts", asks: "paced", callers: 200, beside: between },
  refusals: {
    title: "64 callers hammer a used-up limit",
    kind: "refusals",
    asks: "answer",
    beside: ["bare", "weir"],
    peers: false,
    refuses: true,
  },
});

export const CROWDS = [
  ...crowds,
  scenario("openai", "heads", {
    title: "5,000 connections that never finish their head",
    kind: "heads",
    asks: "answer",
    callers: 5_000,
    perSecond: 200,
    beside: ["weir"],
    peers: false,
  }),
  scenario("openai", "idle", { title: "nobody calls", kind: "idle", asks: "answer", beside: [...between, "inline", ...COMPILED] }),
];
