import { expect, test } from "bun:test";
import { Wheel } from "../../../../workers/wire/clock.ts";
import { eventually, pause } from "../../../support/waits.ts";

test("a deadline is never early and comes within three ticks and what the machine adds", async () => {
  const wheel = new Wheel(10);
  const startMs = performance.now();
  const late: number[] = [];
  /** What the machine makes of the same times: it may be busy with other tests. */
  const lateByItself: number[] = [];
  const delays = [0, 1, 9, 10, 11, 25, 60, 100, 130];
  for (const delayMs of delays) {
    wheel.schedule(delayMs, () => {
      late.push(performance.now() - startMs - delayMs);
      return 0;
    });
    setTimeout(() => lateByItself.push(performance.now() - startMs - delayMs), delayMs);
  }
  await eventually(() => late.length + lateByItself.length === 2 * delays.length, "all deadlines");
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...late)).toBeLessThan(30 + 60 + 2 * Math.max(...lateByItself));
});

test("a deadline further away than one revolution waits for its own", async () => {
  const wheel = new Wheel(1);
  let due = 0;
  wheel.schedule(800, () => {
    due = performance.now();
    return 0;
  });
  const startMs = performance.now();
  await eventually(() => due > 0, "the deadline");
  expect(due - startMs).toBeGreaterThanOrEqual(800);
});

test("a cancelled deadline never comes, and one that returns milliseconds comes again", async () => {
  const wheel = new Wheel(5);
  let cancelled = 0;
  let again = 0;
  const ticket = wheel.schedule(20, () => {
    cancelled++;
    return 0;
  });
  wheel.schedule(10, () => (++again < 3 ? 10 : 0));
  ticket.cancel();
  ticket.cancel();
  await eventually(() => again === 3, "three times");
  await pause(40);
  expect([cancelled, again]).toEqual([0, 3]);
});

test("callbacks may cancel each other and schedule more while a slot is worked off", async () => {
  const wheel = new Wheel(5);
  const seen: string[] = [];
  const tickets = [1, 2, 3, 4].map((number) =>
    wheel.schedule(10, () => {
      seen.push(`first ${number}`);
      for (const other of tickets) other.cancel();
      wheel.schedule(1, () => {
        seen.push("second");
        return 0;
      });
      return 0;
    }),
  );
  await eventually(() => seen.includes("second"), "the second");
  expect(seen).toEqual(["first 1", "second"]);
});

test("what was marked has not passed sooner than it did", async () => {
  const wheel = new Wheel(10);
  wheel.schedule(1000, () => 0);
  const markMs = wheel.nowMs;
  const startMs = performance.now();
  for (let round = 0; round < 20; round++) {
    await pause(3);
    expect(wheel.sinceMs(markMs)).toBeLessThanOrEqual(performance.now() - startMs);
  }
  expect(wheel.sinceMs(markMs)).toBeGreaterThan(10);
});

test("after the loop was held up, deadlines wait until the sockets were read", async () => {
  const wheel = new Wheel(10);
  let read = false;
  let readFirst: boolean | undefined;
  wheel.schedule(100, () => {
    readFirst = read;
    return 0;
  });
  await pause(15);
  // What a blocked loop does to a socket: its event is ready, and comes after the timers.
  const endMs = performance.now() + 600;
  while (performance.now() < endMs);
  setImmediate(() => {
    read = true;
  });
  await eventually(() => readFirst !== undefined, "the deadline");
  expect(readFirst).toBe(true);
});

test("the timer stops when nothing is scheduled, and starts again", async () => {
  const wheel = new Wheel(10);
  expect(wheel.running).toBe(false);
  let due = 0;
  wheel.schedule(1, () => {
    due++;
    return 0;
  });
  expect(wheel.running).toBe(true);
  await eventually(() => !wheel.running, "the timer to stop");
  wheel.schedule(1, () => {
    due++;
    return 0;
  });
  await eventually(() => due === 2, "the second deadline");
});
