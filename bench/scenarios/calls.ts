/** Callers that wait for their answer and then call again: calls of two sizes, each kind of stream, and each place of the limiter. */
import { AND_INLINE, inBoth } from "./scenario.ts";

const floors = ["bare", "weir"];

export const CALLS = inBoth({
  "2kb": { title: "2 kB", kind: "closed", asks: "answer", beside: AND_INLINE, elsewhere: true },
  "200kb": { title: "200 kB", kind: "closed", asks: "answer", bodyBytes: 200_000, callers: 16, elsewhere: true },
  "2kb-tls": { title: "2 kB, TLS to the upstream", kind: "closed", asks: "answer", tls: true },
  "2kb-memory": { title: "2 kB, limiter in memory", kind: "closed", asks: "answer", limiter: "memory", beside: floors, peers: false },
  "2kb-off": { title: "2 kB, limiter off", kind: "closed", asks: "answer", limiter: "off", beside: floors, peers: false },
  burst: { title: "streams of 100 chunks as fast as possible", kind: "closed", asks: "burst", elsewhere: true },
  whole: { title: "streams of 100 chunks in one piece", kind: "closed", asks: "whole" },
  paced: { title: "200 streams at 50 chunks/s each", kind: "closed", asks: "paced", beside: AND_INLINE, callers: 200 },
  "paced-tls": { title: "200 streams at 50 chunks/s each, TLS to the upstream", kind: "closed", asks: "paced", callers: 200, tls: true },
});
