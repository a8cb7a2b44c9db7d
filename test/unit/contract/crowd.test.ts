/** When garbage is collected because many calls are open. */
import { expect, test } from "bun:test";
import { Crowd } from "../../../src/contract/crowd.ts";

const collectionsOf = (...counts: number[]): number[] => {
  const collected: number[] = [];
  let now = 0;
  const crowd = new Crowd(() => collected.push(now));
  for (const open of counts) {
    now = open;
    crowd.look(open);
  }
  return collected;
};

test("a crowd that grows is collected each time that it has doubled", () => {
  const growing = Array.from({ length: 100 }, (_, at) => at * 100);
  expect(collectionsOf(...growing)).toEqual([800, 1_600, 3_200, 6_400]);
});

test("a number of calls that stays about the same, or is small, is not collected", () => {
  expect(collectionsOf(64, 0, 200, 64, 799, 0)).toEqual([]);
  expect(collectionsOf(1_000, 900, 1_100, 800, 1_500, 600)).toEqual([1_000]);
});

test("a crowd that has left and comes again is collected again", () => {
  expect(collectionsOf(2_000, 3_000, 400, 0, 900, 1_700, 1_900)).toEqual([2_000, 900, 1_900]);
});
