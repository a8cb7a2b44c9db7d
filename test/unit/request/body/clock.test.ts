/** Bodies that take too long, told by one clock for all of them. */
import { expect, test } from "bun:test";
import { BodyClock } from "../../../../src/request/body/clock.ts";

/** A body may take ten times as long as its connection may be silent. */
const [SILENCE_MS, WHOLE_MS] = [100, 1_000];

function senders(...names: string[]) {
  const late: string[] = [];
  return { late, all: names.map((name) => ({ late: () => void late.push(name) })) };
}

test("a body is late when its time is over, once, and not when it has come", () => {
  const clock = new BodyClock(SILENCE_MS);
  const { late, all } = senders("first", "whole", "last");
  for (const [nth, sender] of all.entries()) clock.begin(sender, nth * 10);
  if (all[1] !== undefined) clock.end(all[1]);
  clock.check(WHOLE_MS - 1);
  expect(late).toEqual([]);
  clock.check(WHOLE_MS);
  expect(late).toEqual(["first"]);
  clock.check(WHOLE_MS + 20);
  clock.check(WHOLE_MS + 40);
  expect(late).toEqual(["first", "last"]);
});
