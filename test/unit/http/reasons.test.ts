import { expect, test } from "bun:test";
import { STATUS_CODES } from "node:http";
import { REASONS } from "../../../src/http/reasons.ts";

test("a status has the words that node:http gives it", () => {
  expect(REASONS).toEqual(STATUS_CODES as Record<number, string>);
});
