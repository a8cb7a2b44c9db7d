/** Workers that die, and workers that never begin: the pool over threads that a test scripts. */

import { afterEach, expect, test } from "bun:test";
import type { Flat } from "../../../src/contract/messages.ts";
import { reportPulse, reportReady } from "../../../src/contract/reports.ts";
import { WorkerPool } from "../../../src/pool/pool.ts";
import type { StartWorker } from "../../../src/pool/thread.ts";
import { putForward, restoreClock } from "../../support/clock.ts";
import { message, ORDER, ordersIn } from "../../support/messages.ts";
import { eventually } from "../../support/waits.ts";

interface Thread {
  orders: Flat;
  say(write: (to: Flat) => void): void;
  die(): void;
  isEnded: boolean;
}

function poolOfOne() {
  const threads: Thread[] = [];
  const deaths: string[] = [];
  const start: StartWorker = ({ reports, died }) => {
    const thread: Thread = { orders: [], say: (write) => reports(message(write)), die: () => died("a fault"), isEnded: false };
    threads.push(thread);
    return {
      post: (orders) => void thread.orders.push(...orders),
      terminate: () => {
        thread.isEnded = true;
      },
    };
  };
  const pool = new WorkerPool({
    size: 1,
    start,
    onDeath: (_worker, reason) => void deaths.push(reason),
    onNotice: () => {},
    onLesson: () => {},
  });
  const configured = pool.configure({ proxy: undefined, weighing: [], targets: [] });
  const newest = () => threads.at(-1) as Thread;
  return { pool, threads, deaths, configured, newest };
}

const events = {
  sent() {},
  weighed() {},
  estimated() {},
  dropped() {},
  guarded() {},
  open() {},
  chunk() {},
  answer() {},
  missed() {},
  done() {},
  fail() {},
  lost() {},
};
afterEach(restoreClock);

const queued = (pool: WorkerPool) => pool.samples()[0]?.queued;

test("the successor of a worker that died begins with an empty queue, and its depth is its own from then on", async () => {
  const { pool, threads, newest, configured } = poolOfOne();
  newest().say(reportReady);
  await configured;
  // Old enough to be replaced at once.
  putForward(1_050);
  for (let nth = 0; nth < 5; nth++) pool.call(ORDER, events);
  await Promise.resolve();
  expect(queued(pool)).toBe(6);
  newest().die();
  await Promise.resolve();
  expect(threads).toHaveLength(2);
  // Its configuration, and none of the cancelled calls of the one before.
  expect(ordersIn(newest().orders).map(({ what }) => what)).toEqual(["configure"]);
  expect(queued(pool)).toBe(1);
  newest().say((to) => {
    reportReady(to);
    reportPulse(to, 0, 1);
  });
  expect(queued(pool)).toBe(0);
  pool.call(ORDER, events);
  expect(queued(pool)).toBe(1);
  pool.close();
});

test("a worker that never says that it is ready is replaced after 15 s, also while the start waits for it", async () => {
  const { pool, threads, deaths, newest, configured } = poolOfOne();
  const startedMs = performance.now();
  pool.checkPulses(startedMs + 14_000, 0);
  expect(threads).toHaveLength(1);
  pool.checkPulses(startedMs + 16_000, 0);
  expect(deaths).toEqual(["not ready after 15 s"]);
  expect(threads[0]?.isEnded).toBe(true);
  // It died young, as far as this test's clock goes.
  await eventually(() => threads.length === 2, "another one in its place");
  newest().say(reportReady);
  await configured;
  expect(pool.healthy).toBe(1);
  pool.close();
});

test("a worker that shows no sign of life for two seconds gets no new calls until it does, and is replaced after five", async () => {
  const { pool, deaths, newest, configured } = poolOfOne();
  newest().say(reportReady);
  await configured;
  const sinceMs = performance.now();
  pool.checkPulses(sinceMs + 1_900, 0);
  expect([pool.call(ORDER, events) === undefined, pool.isWell()]).toEqual([false, true]);
  pool.checkPulses(sinceMs + 2_100, 0);
  expect([pool.call(ORDER, events) === undefined, pool.isWell(), pool.state()]).toEqual([true, false, "0 of 1 running, 1 standing still"]);
  const there = new Promise((resolve) => pool.whenThere(resolve));
  newest().say((to) => reportPulse(to, 0, 1));
  expect(await there).toBe(true);
  expect(pool.call(ORDER, events)).toBeDefined();
  pool.checkPulses(sinceMs + 5_200, 0);
  expect(deaths).toEqual(["no sign of life for 5 s"]);
  pool.close();
});

test("where this thread itself was held up, no worker is taken for one that does not answer", async () => {
  const { pool, deaths, newest, configured } = poolOfOne();
  newest().say(reportReady);
  await configured;
  const sinceMs = performance.now();
  pool.checkPulses(sinceMs + 30_000, 29_000);
  pool.checkPulses(sinceMs + 30_250, 0);
  expect([deaths, pool.isWell()]).toEqual([[], true]);
  pool.close();
});

test("a pool whose workers die one after the other is not well until a minute has passed, and says why", async () => {
  const { pool, threads, newest, configured } = poolOfOne();
  newest().say(reportReady);
  await configured;
  for (let death = 1; death <= 3; death++) {
    newest().die();
    await eventually(() => threads.length > death, "another one in its place");
    newest().say(reportReady);
    expect(pool.isWell()).toBe(death < 3);
  }
  expect(pool.state()).toBe("1 of 1 running, 3 died within a minute: the log says why");
  const laterMs = performance.now() + 61_000;
  expect([pool.isWell(laterMs), pool.state(laterMs)]).toEqual([true, "1 of 1 running"]);
  pool.close();
}, 10_000);
