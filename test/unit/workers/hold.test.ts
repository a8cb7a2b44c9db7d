/** The bound of what a worker keeps of unfinished answers: no upstream takes all of it, and what is given back can be taken again. */
import { expect, test } from "bun:test";
import { Hold } from "../../../workers/hold.ts";

function full(upstreams: string[], mostBytes = 90): Hold {
  const hold = new Hold();
  hold.mostBytes = mostBytes;
  let went = true;
  while (went) went = upstreams.map((upstream) => hold.change(upstream, 0, 1)).includes(true);
  return hold;
}

test("one upstream gets two thirds, and another one still some", () => {
  const hold = full(["greedy"]);
  expect(hold.bytes).toBe(60);
  expect(hold.change("greedy", 0, 1)).toBe(false);
  expect(hold.change("other", 0, 15)).toBe(true);
});

test("however many upstreams take as much as they can, something is free", () => {
  for (const count of [2, 5, 20]) expect(full(Array.from({ length: count }, (_, index) => `u${index}`)).bytes).toBeLessThan(90);
});

test("what is given back can be taken again, and a refusal takes nothing", () => {
  const hold = full(["greedy"]);
  expect(hold.change("greedy", 30, 31)).toBe(false);
  expect(hold.change("greedy", 30, 0)).toBe(true);
  expect(hold.bytes).toBe(30);
  expect(hold.change("greedy", 0, 30)).toBe(true);
  expect(hold.change("greedy", 60, 0)).toBe(true);
  expect(hold.bytes).toBe(0);
});
