import { expect, test } from "bun:test";
import { reasons, takesMaxTokens, takesOf } from "../../../../../workers/providers/azure/takes.ts";
import { acceptsOf } from "../upstream.ts";

/** For a model that is not in the catalogue, so that only its names can show whether it reasons. */
const UNKNOWN = takesOf(acceptsOf("azure"));

test.each([
  "o1",
  "o1-preview",
  "o3-mini",
  "o4-mini",
  "O3",
  "prod-o3",
  "eu_o1_2",
  "gpt-5",
  "gpt-5-mini",
  "gpt-5.1",
  "GPT5",
  "team-gpt-5-eu",
  "gpt-5-codex",
])("a model called %s reasons, and does not take max_tokens", (name) => {
  expect([reasons(UNKNOWN, name), takesMaxTokens(UNKNOWN, name)]).toEqual([true, false]);
});

test.each([
  "gpt-4o",
  "gpt-4o-mini",
  "gpt-4.1",
  "gpt-35-turbo",
  "gpt-50",
  "gpt-4o3",
  "o200k",
  "o",
  "prod",
  "demo1",
  "foo3-mini",
  "text-embedding-3-small",
  "",
])("a model called %p does not reason, and takes max_tokens", (name) => {
  expect([reasons(UNKNOWN, name), takesMaxTokens(UNKNOWN, name)]).toEqual([false, true]);
});

test("one of a model's two names is enough", () => {
  expect(reasons(UNKNOWN, "o3-mini", "prod")).toBe(true);
  expect(reasons(UNKNOWN, "thinker", "gpt-5-prod")).toBe(true);
  expect(reasons(UNKNOWN, "gpt-4o", "prod")).toBe(false);
});

test("for a model in the catalogue the table decides, not the names", () => {
  expect(reasons(takesOf(acceptsOf("azure", "gpt-4o")), "o3-mini", "o3-mini")).toBe(false);
  expect(reasons(takesOf(acceptsOf("azure", "o3-mini")), "gpt-4o", "prod")).toBe(true);
});
