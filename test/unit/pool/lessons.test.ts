import { expect, test } from "bun:test";
import { LESSON_MS } from "../../../src/contract/messages.ts";
import { Lessons } from "../../../src/pool/lessons.ts";

const all = (lessons: Lessons, nowMs: number) => {
  const taught: [target: number, forMs: number, taught: string][] = [];
  lessons.each((...lesson) => void taught.push(lesson), nowMs);
  return taught;
};

test("a lesson is good for an hour; a worker that begins later gets the time that is left", () => {
  const lessons = new Lessons();
  expect(lessons.keep(1, "a", 0)).toBe(true);
  expect(lessons.keep(2, "b", 1_000)).toBe(true);
  expect(all(lessons, 2_000)).toEqual([
    [1, LESSON_MS - 2_000, "a"],
    [2, LESSON_MS - 1_000, "b"],
  ]);
  expect(all(lessons, LESSON_MS)).toEqual([[2, 1_000, "b"]]);
  expect(all(lessons, LESSON_MS + 1_000)).toEqual([]);
});

test("a known lesson is not new within its hour, and comes last when it is learned again", () => {
  const lessons = new Lessons();
  expect([lessons.keep(1, "a", 0), lessons.keep(1, "b", 1), lessons.keep(1, "a", 2)]).toEqual([true, true, false]);
  expect(all(lessons, 2).map(([, , taught]) => taught)).toEqual(["b", "a"]);
  expect(lessons.keep(1, "a", LESSON_MS + 2)).toBe(true);
});

test("a target has a bound of lessons, all targets together have one, and a lesson that is too long is not kept", () => {
  const lessons = new Lessons();
  for (let nth = 0; nth < 40; nth++) lessons.keep(1, `lesson ${nth}`, 0);
  expect(all(lessons, 1)).toHaveLength(32);
  expect(all(lessons, 1)[0]?.[2]).toBe("lesson 8");
  for (let target = 2; target < 2_000; target++) lessons.keep(target, "a", 0);
  const kept = all(lessons, 1);
  expect([kept.length, kept.at(-1)?.[0]]).toEqual([1_024, 1_999]);
  expect(lessons.keep(5_000, "x".repeat(5_000), 0)).toBe(true);
  expect(all(lessons, 1).at(-1)?.[0]).toBe(1_999);
});

test("lessons of targets that are not in force any more are forgotten", () => {
  const lessons = new Lessons();
  lessons.keep(1, "a", 0);
  lessons.keep(2, "b", 0);
  lessons.keepOnly(new Set([2]));
  expect(all(lessons, 1).map(([target]) => target)).toEqual([2]);
});
