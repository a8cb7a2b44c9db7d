import { expect, test } from "bun:test";
import type { Ended } from "../../../src/contract/call.ts";
import { Admission, type CallEnd, type Claim } from "../../../src/limiter/admission.ts";
import { Limiter } from "../../../src/limiter/limiter.ts";
import { MemoryStore } from "../../../src/limiter/memory.ts";

const claim: Claim = {
  workspace: "w",
  upstream: "u",
  model: "m",
  exact: true,
  window: "calls",
  limits: { rpm: 100, tpm: 100_000, countRpm: 100, cacheReadWeight: 0, reserveOutput: "expected" },
  maxTokens: 300,
  writes: true,
};

const ended: Ended = {
  usage: { input: 40, output: 2, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 },
  firstByteMs: 1,
  upstreamMs: 1,
  upstreamRequestId: "",
  estimate: 50,
  unfinished: "",
  attempts: 1,
};

/** What the windows hold after one call that reserved 1,000 tokens of input and ended in this way. */
async function after(ending: CallEnd | undefined): Promise<{ requests: number; tokens: number; reserved: number }> {
  const limiter = new Limiter({ store: new MemoryStore() });
  const admission = new Admission(limiter);
  const decision = await admission.byWeight(claim, 1000);
  if (decision.outcome !== "admitted") throw new Error(decision.outcome);
  admission.end({ claim, reservation: decision.reservation, bytes: 3000 }, ending);
  const usage = await limiter.usage("w", "m", claim.limits.rpm, claim.limits.tpm);
  if (usage === undefined) throw new Error("nobody counts");
  return { requests: usage.requests.used, tokens: usage.tokens.used, reserved: usage.tokens.reserved };
}

const cases: [string, CallEnd | undefined, { requests: number; tokens: number }][] = [
  ["was answered: settled to what it used", { outcome: "ok", ended, firstByteAtMs: 1, passedBytes: 0 }, { requests: 1, tokens: 42 }],
  [
    "failed before its first byte: given back",
    { outcome: "upstream_failed", ended, firstByteAtMs: undefined, passedBytes: 0 },
    { requests: 0, tokens: 0 },
  ],
  [
    "was refused by its upstream as the client's mistake: settled",
    { outcome: "upstream_rejected", ended, firstByteAtMs: undefined, passedBytes: 0 },
    { requests: 1, tokens: 42 },
  ],
  ["was over before it was let in: given back", undefined, { requests: 0, tokens: 0 }],
];

for (const [name, ending, left] of cases) {
  test(`a call that ${name}`, async () => {
    expect(await after(ending)).toEqual({ ...left, reserved: 0 });
  });
}

test("a call that was not admitted has used what its upstream says, and takes nothing from a window", () => {
  const admission = new Admission(new Limiter({ store: new MemoryStore() }));
  const refused = { claim, reservation: undefined, bytes: 0 };
  expect(admission.end(refused, { outcome: "ok", ended, firstByteAtMs: 1, passedBytes: 0 })).toEqual(ended.usage);
  expect(admission.end(refused, undefined)).toBeUndefined();
});
