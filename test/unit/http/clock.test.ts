/** The clock of all connections: each tick checks a part of them. */
import { afterEach, expect, test } from "bun:test";
import { Clock, type Timed } from "../../../src/http/clock.ts";
import { eventually } from "../../support/waits.ts";

const made: [Clock, Timed][] = [];
afterEach(() => {
  for (const [clock, timed] of made.splice(0)) clock.remove(timed);
});

function timedIn(clock: Clock, check: (nowMs: number) => void = () => {}): Timed {
  const timed = { part: -1, check };
  clock.add(timed);
  made.push([clock, timed]);
  return timed;
}

test("connections are spread evenly over the parts, so that no tick is long", () => {
  const clock = new Clock();
  const parts = Array.from({ length: 40 }, () => timedIn(clock).part);
  const counts = new Map<number, number>();
  for (const part of parts) counts.set(part, (counts.get(part) ?? 0) + 1);
  expect([...counts.values()]).toEqual([10, 10, 10, 10]);
  expect([clock.count, [...clock].length]).toEqual([40, 40]);
});

test("each is checked again and again, and one that is removed is not", async () => {
  const clock = new Clock();
  let checked = 0;
  const timed = timedIn(clock, () => checked++);
  await eventually(() => checked >= 2, "two checks");
  clock.remove(timed);
  clock.remove(timed);
  expect(clock.count).toBe(0);
});
