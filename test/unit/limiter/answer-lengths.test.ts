import { expect, test } from "bun:test";
import { AnswerLengths, expectedTokens } from "../../../src/limiter/answer-lengths.ts";
import { randomFrom } from "./fixture.ts";

test("256 tokens are expected before anything is known, or fewer where the client allows fewer", () => {
  const none = new AnswerLengths();
  expect(expectedTokens(none, 0, "expected")).toBe(256);
  expect(expectedTokens(none, 100, "expected")).toBe(100);
  expect(expectedTokens(none, 4096, "expected")).toBe(256);
});

test("max_tokens is reserved whole where the operator wants that and the client has sent it", () => {
  const none = new AnswerLengths();
  expect(expectedTokens(none, 4096, "max_tokens")).toBe(4096);
  expect(expectedTokens(none, 0, "max_tokens")).toBe(256);
});

test("the 90th percentile is found within the width of a class, and never too low", () => {
  for (const [seed, most] of [
    [1, 400],
    [2, 3000],
    [3, 100_000],
  ] as const) {
    const random = randomFrom(seed);
    const lengths = new AnswerLengths();
    const recent: number[] = [];
    for (let n = 0; n < 255; n++) {
      const tokens = Math.ceil(random() ** 3 * most);
      lengths.record(tokens);
      recent.push(tokens);
    }
    recent.sort((a, b) => a - b);
    const exact = Math.max(256, recent[Math.ceil(255 * 0.9) - 1] ?? 0);
    expect(lengths.percentile()).toBeGreaterThanOrEqual(exact);
    expect(lengths.percentile()).toBeLessThanOrEqual(Math.ceil(exact * 1.1));
  }
});

test("one long answer among many short ones changes nothing, one in five does", () => {
  const lengths = new AnswerLengths();
  for (let n = 0; n < 50; n++) lengths.record(n === 20 ? 50_000 : 10);
  expect(lengths.percentile()).toBe(256);
  for (let n = 0; n < 50; n++) lengths.record(n % 5 === 0 ? 50_000 : 10);
  expect(lengths.percentile()).toBeGreaterThan(50_000);
});

test("old answers fade", () => {
  const lengths = new AnswerLengths();
  for (let n = 0; n < 5000; n++) lengths.record(20_000);
  expect(lengths.percentile()).toBeGreaterThan(20_000);
  for (let n = 0; n < 1500; n++) lengths.record(300);
  expect(lengths.percentile()).toBeLessThan(330);
});

test("answers of any length are recorded", () => {
  const lengths = new AnswerLengths();
  for (const tokens of [0, 1, 256, 257, 2 ** 21, 2 ** 40]) lengths.record(tokens);
  expect(lengths.percentile()).toBe(2 ** 21);
});
