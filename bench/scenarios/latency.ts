/** How much longer one caller waits, and how long callers wait whose calls begin at fixed times. */
import { AND_INLINE, inBoth } from "./scenario.ts";

export const LATENCY = inBoth({
  caller: { title: "one caller, 2 kB", kind: "pairs", asks: "answer", beside: AND_INLINE, together: true, callers: 1, elsewhere: true },
  "first-byte": {
    title: "one caller, first byte of a stream",
    kind: "pairs",
    asks: "burst",
    beside: AND_INLINE,
    together: true,
    callers: 1,
    elsewhere: true,
  },
  "arrivals-200": { title: "200 arrivals/s, 2 kB", kind: "open", asks: "answer", perSecond: 200, elsewhere: true },
  "arrivals-1000": { title: "1,000 arrivals/s, 2 kB", kind: "open", asks: "answer", perSecond: 1_000, elsewhere: true },
});
