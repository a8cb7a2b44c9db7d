import { expect, test } from "bun:test";
import { ReplyHeaders } from "../../../src/contract/http.ts";
import { goDurationText, instantText, limitRefusal, prefixedRateLimitLines, showWindows } from "../../../src/limiter/headers.ts";

const windows = { requests: { limit: 500, remaining: 499, resetMs: 12 }, tokens: { limit: 60_000, remaining: 59_300, resetMs: 59_901 } };

test.each([
  [0, "0s"],
  [-5, "0s"],
  [0.2, "1ms"],
  [12, "12ms"],
  [999.5, "1s"],
  [1000, "1s"],
  [1500, "1.5s"],
  [59_901, "59.901s"],
  [60_000, "1m0s"],
  [360_000, "6m0s"],
  [61_250, "1m1.25s"],
])("%p ms is written %p", (ms, text) => {
  expect(goDurationText(ms)).toBe(text);
});

test("a moment is written by RFC 3339, in whole seconds and never too early", () => {
  const now = Date.parse("2026-11-22T03:59:59.100Z");
  expect(instantText(now, 0)).toBe("2026-11-22T04:00:00Z");
  expect(instantText(now, 900)).toBe("2026-11-22T04:00:00Z");
  expect(instantText(now, 901)).toBe("2026-11-22T04:00:01Z");
});

test("six headers show both windows", () => {
  const headers = new ReplyHeaders();
  showWindows(headers, undefined, windows);
  expect(Object.fromEntries(headers)).toEqual({
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "12ms",
    "x-ratelimit-limit-tokens": "60000",
    "x-ratelimit-remaining-tokens": "59300",
    "x-ratelimit-reset-tokens": "59.901s",
  });
});

test("the headers of both windows are found by name, and written as they are shown; a second decision replaces the first", () => {
  const headers = new ReplyHeaders({ "request-id": "req_1" });
  showWindows(headers, undefined, windows);
  showWindows(headers, undefined, { requests: { limit: 7, remaining: 6, resetMs: 0 }, tokens: undefined });
  expect(headers.get("x-ratelimit-limit-requests")).toBe("7");
  // A part of a name is no name.
  expect([headers.has("limit-requests"), headers.has("x-ratelimit-limit-tokens")]).toEqual([false, false]);
  expect(headers.text).toBe(
    "request-id: req_1\r\nx-ratelimit-limit-requests: 7\r\nx-ratelimit-remaining-requests: 6\r\nx-ratelimit-reset-requests: 0s\r\n",
  );
});

test("the headers that only one dialect has show the same, with moments", () => {
  const headers = new ReplyHeaders();
  headers.setLines(prefixedRateLimitLines("own-ratelimit", windows, Date.parse("2026-11-22T04:00:00Z")));
  expect(Object.fromEntries(headers)).toEqual({
    "own-ratelimit-requests-limit": "500",
    "own-ratelimit-requests-remaining": "499",
    "own-ratelimit-requests-reset": "2026-11-22T04:00:01Z",
    "own-ratelimit-tokens-limit": "60000",
    "own-ratelimit-tokens-remaining": "59300",
    "own-ratelimit-tokens-reset": "2026-11-22T04:01:00Z",
  });
});

test("a refusal says which limit was reached, how much is used, what was requested and when to try again", () => {
  const tokens = { outcome: "tokens" as const, limit: 60_000, used: 59_800, requested: 700, retryAfterMs: 4321, windows };
  const limits = { rpm: 500, tpm: 60_000, countRpm: 20, cacheReadWeight: 0, reserveOutput: "expected" } as const;
  const claim = {
    workspace: "acme",
    model: "gpt-4o",
    upstream: "u",
    exact: false,
    window: "calls",
    limits,
    maxTokens: 0,
    writes: true,
  } as const;
  expect(limitRefusal(tokens, claim)).toMatchObject({ kind: "rate_limited_tokens", detail: { retryAfterMs: 4321 } });
  expect(limitRefusal(tokens, claim).message).toBe(
    "Rate limit of 60000 tokens per minute reached for gpt-4o in workspace acme: used 59800, requested 700. Please try again in 4.321s.",
  );
  expect(limitRefusal({ outcome: "too_large", limit: 1000, requested: 5000, windows: undefined }, claim).message).toContain(
    "can never pass",
  );
  const counts = { outcome: "requests" as const, limit: 20, used: 20, requested: 1, retryAfterMs: 1000, windows };
  expect(limitRefusal(counts, { ...claim, window: "counts" }).message).toStartWith(
    "Rate limit of 20 token counts per minute reached for gpt-4o",
  );
});
