/** Durations and sizes, from text to whole numbers and back. */
import { expect, test } from "bun:test";
import { bytes, durationText, milliseconds, sizeText } from "../../../src/config/units.ts";

test.each([
  ["50ms", 50],
  ["1.5s", 1_500],
  ["1h30m", 5_400_000],
  ["30d", 2_592_000_000],
  ["0.7ms", 1],
  ["1.0004s", 1_000],
])("%s is %i milliseconds, a whole number", (text, expected) => {
  expect(milliseconds(text)).toBe(expected);
});

test.each([
  ["32MiB", 33_554_432],
  ["10MB", 10_000_000],
  ["10 kB", 10_000],
  ["1.5KiB", 1_536],
  ["1.9B", 1],
  [1_048_576, 1_048_576],
])("%s is %i bytes, and never one more", (text, expected) => {
  expect(bytes(text)).toBe(expected);
});

test("a number is shown in the largest unit that holds it exactly", () => {
  expect([5_400_000, 90_000, 7_200_000, 1_500, 0].map(durationText)).toEqual(["90m", "90s", "2h", "1500ms", "0ms"]);
  expect([33_554_432, 10_000_000, 1_536, 1_000, 7].map(sizeText)).toEqual(["32 MiB", "10 MB", "1536 bytes", "1 kB", "7 bytes"]);
});
