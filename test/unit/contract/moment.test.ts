import { describe, expect, test } from "bun:test";
import { dateText, momentText, readMoment, secondText } from "../../../src/contract/moment.ts";

describe("a moment is read", () => {
  test.each([
    ["2027-01-01", Date.UTC(2027, 0, 1)],
    ["2028-02-29", Date.UTC(2028, 1, 29)],
    ["2027-01-01T12:30Z", Date.UTC(2027, 0, 1, 12, 30)],
    ["2027-01-01t12:30:05z", Date.UTC(2027, 0, 1, 12, 30, 5)],
    ["2027-01-01 12:30:05.250+02:00", Date.UTC(2027, 0, 1, 10, 30, 5, 250)],
  ])("%s", (text, ms) => {
    expect(readMoment(text)).toBe(ms);
  });
});

describe("no moment is read from", () => {
  test.each([
    "2027-02-29",
    "2027-02-30T00:00:00Z",
    "2027-04-31T12:00+02:00",
    "2027-13-01",
    "2027-00-10",
    "2027-01-01T25:00Z",
    "2027-01-01T12:00:00",
    "2027-01-01T12:00+99:00",
    "1 January 2027",
    "2027",
    "",
  ])("%p", (text) => {
    expect(readMoment(text)).toBeUndefined();
  });
});

test("a moment is written to the millisecond, to the second and to the day", () => {
  const ms = Date.UTC(2027, 0, 1, 12, 30, 5, 250);
  expect(momentText(ms)).toBe("2027-01-01T12:30:05.250Z");
  expect(secondText(ms)).toBe("2027-01-01T12:30:05Z");
  expect(dateText(ms)).toBe("2027-01-01");
});
