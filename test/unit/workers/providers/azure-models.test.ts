import { expect, test } from "bun:test";
import { isReasoningModel } from "../../../../workers/providers/azure/models.ts";

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
])("%s thinks", (name) => expect(isReasoningModel(name)).toBe(true));

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
])("%p does not", (name) => expect(isReasoningModel(name)).toBe(false));

test("either name of a model tells", () => {
  expect(isReasoningModel("o3-mini", "prod")).toBe(true);
  expect(isReasoningModel("thinker", "gpt-5-prod")).toBe(true);
  expect(isReasoningModel("gpt-4o", "prod")).toBe(false);
});
