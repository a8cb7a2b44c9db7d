/** When new calls are refused because the front's thread is behind, and when they are let in again. */
import { expect, test } from "bun:test";
import { Shedding } from "../../../../src/request/load/shedding.ts";

const [LATE_MS, ON_TIME_MS] = [1_001, 500];

function looked(...lagsMs: number[]): { isOn: boolean; changes: boolean[] } {
  const changes: boolean[] = [];
  const shedding = new Shedding((isOn) => void changes.push(isOn));
  for (const lagMs of lagsMs) shedding.sample(lagMs);
  return { isOn: shedding.isOn, changes };
}

const late = (times: number) => Array<number>(times).fill(LATE_MS);
const onTime = (times: number) => Array<number>(times).fill(ON_TIME_MS);

test("three looks in a row that are late turn it on, and it says so once", () => {
  expect(looked(...late(2))).toEqual({ isOn: false, changes: [] });
  expect(looked(...late(3))).toEqual({ isOn: true, changes: [true] });
  expect(looked(...late(9))).toEqual({ isOn: true, changes: [true] });
});

test("one look that is not late begins the count anew: one long stop is no reason", () => {
  expect(looked(...late(2), 1_000, ...late(2)).isOn).toBe(false);
  expect(looked(60_000).isOn).toBe(false);
});

test("four looks in a row that are on time turn it off; what lies between late and on time does not count as calm", () => {
  expect(looked(...late(3), ...onTime(3)).isOn).toBe(true);
  expect(looked(...late(3), ...onTime(4))).toEqual({ isOn: false, changes: [true, false] });
  expect(looked(...late(3), ...onTime(3), ON_TIME_MS + 1, ...onTime(3)).isOn).toBe(true);
});
