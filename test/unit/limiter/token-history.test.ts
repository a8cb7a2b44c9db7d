import { expect, test } from "bun:test";
import { Admission, type Claim } from "../../../src/limiter/admission.ts";
import { expectedTokens } from "../../../src/limiter/answer-lengths.ts";
import { Limiter } from "../../../src/limiter/limiter.ts";
import { MemoryStore } from "../../../src/limiter/memory.ts";
import { TokenHistories } from "../../../src/limiter/token-history.ts";

const key = { workspace: "w", upstream: "u", model: "m" };

test("token histories are kept apart by workspace, by upstream and by model", () => {
  const histories = new TokenHistories();
  const history = histories.open(key);
  for (let n = 0; n < 20; n++) {
    history.lengths.record(2000);
    history.correction.learn(1000, 1500);
    history.learnDensity(0.8);
  }
  const seen = (of: object) => {
    const { correction, density, lengths } = histories.of({ ...key, ...of });
    return [correction.factor > 1.3, density > 0.7, expectedTokens(lengths, 0, "expected") > 1999];
  };
  expect(seen({})).toEqual([true, true, true]);
  for (const other of [{ workspace: "other" }, { upstream: "w/u" }, { model: "other" }]) expect(seen(other)).toEqual([false, false, false]);
});

test("memory is bounded: the history that was made first is forgotten first", () => {
  const histories = new TokenHistories(3);
  for (let n = 0; n < 10; n++) histories.open({ ...key, workspace: `w${n}` }).lengths.record(1000);
  const expected = (workspace: string) => expectedTokens(histories.of({ ...key, workspace }).lengths, 0, "expected");
  expect(expected("w0")).toBe(256);
  expect(expected("w9")).toBeGreaterThan(999);
});

test("what the upstream of one workspace reports changes no reservation and no guess of another workspace with the same model name", async () => {
  const limiter = new Limiter({ store: new MemoryStore() });
  const admission = new Admission(limiter);
  const limits = { rpm: 1e6, tpm: 1e9, countRpm: 1e6, cacheReadWeight: 0, reserveOutput: "expected" as const };
  const claim = (workspace: string, upstream: string): Claim => ({
    workspace,
    upstream,
    model: "own",
    exact: false,
    window: "calls",
    limits,
    maxTokens: 0,
    writes: true,
  });
  const liar = claim("liar", "liar/own");
  const victims = [claim("victim", "victim/own"), claim("victim", "shared"), claim("liar", "shared")];
  const reserved = async (of: Claim) => {
    const decision = await admission.byWeight(of, 1000);
    if (decision.outcome !== "admitted") throw new Error(decision.outcome);
    return decision.reservation;
  };
  const shown = async (of: Claim) => [admission.guess(of, "x".repeat(1000)), admission.factor(of), (await reserved(of)).tokens];
  const before = await Promise.all(victims.map(shown));
  for (let n = 0; n < 50; n++) {
    const usage = { input: 1_000_000, output: 90_000, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 };
    const ended = { usage, firstByteMs: 1, upstreamMs: 1, upstreamRequestId: "", estimate: 1000, unfinished: "", attempts: 1 };
    admission.end(
      { claim: liar, reservation: await reserved(liar), bytes: 1000 },
      { outcome: "ok", ended, firstByteAtMs: 1, passedBytes: 0 },
    );
  }
  expect(await Promise.all(victims.map(shown))).toEqual(before);
  const [guess, factor, tokens] = await shown(liar);
  expect(guess).toBeGreaterThan(300_000);
  expect(factor).toBe(2);
  expect(tokens).toBeGreaterThan(90_000);
  expect(admission.factor({ ...liar, exact: true })).toBe(1);
});
