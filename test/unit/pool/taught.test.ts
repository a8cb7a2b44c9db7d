/** What one worker has learned comes to the others: the pool over threads that a test scripts. */
import { expect, test } from "bun:test";
import type { Flat } from "../../../src/contract/messages.ts";
import { reportLesson, reportReady } from "../../../src/contract/reports.ts";
import { WorkerPool } from "../../../src/pool/pool.ts";
import type { StartWorker } from "../../../src/pool/thread.ts";
import { message, ordersIn } from "../../support/messages.ts";
import { eventually } from "../../support/waits.ts";
import { acceptsOf, upstream } from "../workers/providers/upstream.ts";

interface Thread {
  orders: Flat;
  say(write: (to: Flat) => void): void;
  die(): void;
}

async function poolOf(size: number) {
  const threads: Thread[] = [];
  const logged: string[] = [];
  const start: StartWorker = ({ reports, died }) => {
    const thread: Thread = { orders: [], say: (write) => reports(message(write)), die: () => died("a fault") };
    threads.push(thread);
    return { post: (orders) => void thread.orders.push(...orders), terminate: () => {} };
  };
  const onLesson = (worker: number, text: string) => void logged.push(`${worker}: ${text}`);
  const pool = new WorkerPool({ size, start, onDeath: () => {}, onNotice: () => {}, onLesson });
  const timeouts = { connectMs: 1, firstByteMs: 1, silenceMs: 1, totalMs: 1 };
  const targets = [1, 2].map((id) => ({
    id,
    upstream: upstream("bedrock", {}),
    model: `m${id}`,
    countModel: undefined,
    accepts: acceptsOf("bedrock"),
    timeouts,
  }));
  const configure = async (among = targets) => {
    const configured = pool.configure({ proxy: undefined, weighing: [], targets: among });
    for (const thread of threads) thread.say(reportReady);
    await configured;
  };
  await configure();
  const taught = (nth: number) => ordersIn(threads[nth]?.orders ?? []).flatMap((order) => order.taught ?? []);
  return { pool, threads, logged, taught, targets, configure };
}

test("a lesson goes to every other worker before any call that comes after it, and to the log once", async () => {
  const { pool, threads, logged, taught } = await poolOf(3);
  threads[1]?.say((to) => reportLesson(to, 2, "t", "for the log"));
  // Another one was refused at the same time.
  threads[2]?.say((to) => reportLesson(to, 2, "t", "for the log"));
  await Promise.resolve();
  expect([taught(0), taught(1), taught(2)]).toEqual([
    [2, "t", 2, "t"],
    [2, "t"],
    [2, "t"],
  ]);
  expect(logged).toEqual(["1: for the log"]);
  pool.close();
});

test("a worker that takes the place of one that died begins with what the others know, and what a dead one says teaches nothing", async () => {
  const { pool, threads, taught, targets, configure } = await poolOf(2);
  threads[0]?.say((to) => {
    reportLesson(to, 1, "one", "l");
    reportLesson(to, 2, "two", "l");
  });
  threads[0]?.die();
  threads[0]?.say((to) => reportLesson(to, 1, "too late", "l"));
  await eventually(() => threads.length === 3, "another one in its place");
  await Promise.resolve();
  expect(ordersIn(threads[2]?.orders ?? []).map(({ what }) => what)).toEqual(["configure", "teach", "teach"]);
  expect([taught(1), taught(2)]).toEqual([
    [1, "one", 2, "two"],
    [1, "one", 2, "two"],
  ]);
  // Target 2 is gone.
  await configure(targets.slice(0, 1));
  threads[1]?.die();
  await eventually(() => threads.length === 4, "another one in its place");
  await Promise.resolve();
  expect(taught(3)).toEqual([1, "one"]);
  pool.close();
}, 10_000);
