/** Workers that die, and workers that never begin: the pool over threads that a test scripts. */
import { expect, test } from "bun:test";
import { type Flat, REPORT } from "../../src/contract/messages.ts";
import { Pool } from "../../src/pool/pool.ts";
import type { StartWorker } from "../../src/pool/thread.ts";

interface Thread {
  orders: Flat;
  say(...reports: Flat): void;
  die(): void;
  isEnded: boolean;
}

function poolOfOne() {
  const threads: Thread[] = [];
  const deaths: string[] = [];
  const start: StartWorker = ({ reports, died }) => {
    const thread: Thread = { orders: [], say: (...some) => reports(some), die: () => died("a fault"), isEnded: false };
    threads.push(thread);
    return {
      post: (orders) => void thread.orders.push(...orders),
      terminate: () => {
        thread.isEnded = true;
      },
    };
  };
  const pool = new Pool({ size: 1, start, onDeath: (_worker, reason) => void deaths.push(reason), onNotice: () => {}, onLesson: () => {} });
  const configured = pool.configure({ proxy: undefined, weighing: [], targets: [] });
  const newest = () => threads.at(-1) as Thread;
  return { pool, threads, deaths, configured, newest };
}

const events = { weighed() {}, estimated() {}, dropped() {}, open() {}, chunk() {}, answer() {}, missed() {}, done() {}, fail() {} };
const ORDER = {
  dialect: "openai",
  operation: "generate",
  target: 1,
  isLast: true,
  stream: true,
  model: "m",
  hints: "",
  requestId: "r",
  guess: 1,
  factor: 1,
  body: "{}",
} as const;
const queued = (pool: Pool) => pool.samples()[0]?.queued;

test("the successor of a worker that died begins with an empty queue, and its depth is its own from then on", async () => {
  const { pool, threads, newest, configured } = poolOfOne();
  newest().say(REPORT.ready, 0);
  await configured;
  // Old enough to be replaced at once.
  await Bun.sleep(1_050);
  for (let nth = 0; nth < 5; nth++) pool.call(ORDER, events);
  await Promise.resolve();
  expect(queued(pool)).toBe(6);
  newest().die();
  await Promise.resolve();
  expect(threads).toHaveLength(2);
  // Its configuration, and none of the cancelled calls of the one before.
  expect(newest().orders).toHaveLength(3);
  expect(queued(pool)).toBe(1);
  newest().say(REPORT.ready, 0, REPORT.pulse, 0, 0, 1);
  expect(queued(pool)).toBe(0);
  pool.call(ORDER, events);
  expect(queued(pool)).toBe(1);
  pool.close();
});

test("a worker that never says that it is ready is replaced after 30 s, also while the start waits for it", async () => {
  const { pool, threads, deaths, newest, configured } = poolOfOne();
  const startedMs = performance.now();
  pool.checkPulses(startedMs + 29_000);
  expect(threads).toHaveLength(1);
  pool.checkPulses(startedMs + 31_000);
  expect(deaths).toEqual(["not ready after 30 s"]);
  expect(threads[0]?.isEnded).toBe(true);
  // It died young, as far as this test's clock goes.
  while (threads.length < 2) await Bun.sleep(20);
  newest().say(REPORT.ready, 0);
  await configured;
  expect(pool.healthy).toBe(1);
  pool.close();
});
