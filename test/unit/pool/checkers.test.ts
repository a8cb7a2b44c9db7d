/** Who checks large bodies, and whose comes first: the pool over threads that a test scripts. */
import { expect, test } from "bun:test";
import { type CallEvents, type Ended, NOTHING_ALONG } from "../../../src/contract/call.ts";
import type { GatewayError } from "../../../src/contract/errors.ts";
import type { Flat } from "../../../src/contract/messages.ts";
import { reportAnswer, reportFail, reportReady, reportWeighed } from "../../../src/contract/reports.ts";
import { noUsage } from "../../../src/contract/usage.ts";
import { WorkerPool } from "../../../src/pool/pool.ts";
import type { StartWorker } from "../../../src/pool/thread.ts";
import { message, type Order, ordersIn } from "../../support/messages.ts";

interface Thread {
  orders: Order[];
  /** The first order, as text. */
  configuration: string;
  /** Bodies that were given away to it. */
  given: number;
  say(write: (to: Flat) => void): void;
  die(): void;
}

const KIB = 1024;
const NOTHING: Ended = { usage: noUsage(), firstByteMs: 0, upstreamMs: 0, upstreamRequestId: "", estimate: 0, unfinished: "", attempts: 0 };

async function pooled() {
  const threads: Thread[] = [];
  const start: StartWorker = ({ reports, died }) => {
    const thread: Thread = { orders: [], configuration: "", given: 0, say: (write) => reports(message(write)), die: () => died("a fault") };
    threads.push(thread);
    return {
      post: (orders, body) => {
        const read = ordersIn(orders);
        thread.orders.push(...read);
        if (body !== undefined) thread.given += 1;
        if (read.some(({ what }) => what !== "configure")) return;
        thread.configuration = orders.join();
        queueMicrotask(() => thread.say(reportReady));
      },
      terminate: () => {},
    };
  };
  const pool = new WorkerPool({ size: 1, start, onDeath: () => {}, onNotice: () => {}, onLesson: () => {} });
  await pool.configure({ proxy: undefined, weighing: [], targets: [] });
  const weigh = (workspace: string, bytes = 100 * KIB) => {
    const said: string[] = [];
    const note =
      (word: string) =>
      (..._values: unknown[]): void =>
        void said.push(word);
    const events = Object.fromEntries(
      ["weighed", "sent", "estimated", "dropped", "open", "chunk", "answer", "missed", "done", "lost"].map((word) => [word, note(word)]),
    ) as unknown as CallEvents;
    events.fail = (error: GatewayError) => void said.push(`fail ${error.kind}`);
    const body = new ArrayBuffer(bytes);
    const call = pool.weigh({ owner: workspace, dialect: "openai", operation: "generate", hints: "", body }, events);
    if (call === undefined) throw new Error("the pool has no place");
    return { call, said, body };
  };
  /** The ids of the bodies that were posted to a thread to be checked, in order. */
  const checked = (thread: Thread | undefined) => (thread?.orders ?? []).filter(({ what }) => what === "weigh").map(({ id }) => id);
  return { pool, threads, weigh, checked };
}

const weighed = (id: number) => (to: Flat) => reportWeighed(to, id, { model: "m", stream: false, maxTokens: 10 }, 0, 25_000, "");

test("large bodies go to separate threads, which start when the first body comes; the worker sees none", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  expect(threads).toHaveLength(1);
  weigh("acme");
  expect(threads).toHaveLength(2);
  expect([checked(threads[0]), checked(threads[1])]).toEqual([[], [expect.any(Number)]]);
  // It gives way to the others.
  expect(threads[1]?.configuration).toContain('"givesWay":true');
  weigh("acme", 10 * KIB);
  expect(checked(threads[0])).toHaveLength(1);
  pool.close();
});

test("a workspace has one thread less than there are, whatever it sends: another's body is checked at once", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  const greedy = Array.from({ length: 10 }, () => weigh("greedy"));
  expect(threads).toHaveLength(2);
  weigh("other");
  expect([checked(threads[1]).length, checked(threads[2]).length]).toEqual([1, 1]);
  // The thread that is free takes the next one of the workspace.
  const [first = 0] = checked(threads[1]);
  threads[1]?.say(weighed(first));
  expect(greedy[0]?.said).toEqual(["weighed"]);
  expect(checked(threads[1])).toHaveLength(2);
  pool.close();
});

test("workspaces whose bodies wait take turns", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  const [a, b] = [Array.from({ length: 3 }, () => weigh("a")), Array.from({ length: 3 }, () => weigh("b"))];
  for (let round = 0; round < 8; round++)
    for (const thread of threads.slice(1)) {
      const last = checked(thread).at(-1) ?? 0;
      thread.say(weighed(last));
    }
  expect([...a, ...b].map(({ said }) => said)).toEqual(Array(6).fill(["weighed"]));
  expect(checked(threads[1]).length + checked(threads[2]).length).toBe(6);
  pool.close();
});

test("a call that has been weighed is carried by a worker, which gets the estimate and the body; the thread forgets it", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  const { call, said } = weigh("acme");
  const [id = 0] = checked(threads[1]);
  threads[1]?.say(weighed(id));
  await Promise.resolve();
  expect(threads[1]?.orders.at(-1)).toEqual({ what: "cancel", id });
  call.go(7, true, 1.5, NOTHING_ALONG);
  await Promise.resolve();
  const order = threads[0]?.orders.at(-1);
  expect(order?.call).toMatchObject({ target: 7, isLast: true, stream: false, model: "m", guess: 0, estimate: 25_000, factor: 1.5 });
  expect(order?.call?.body.length).toBe(100 * KIB);
  threads[0]?.say((to) => reportAnswer(to, order?.id ?? 0, "{}"));
  expect(said).toEqual(["weighed", "answer"]);
  // Reports of the thread about a call that it has to forget are not handed on.
  threads[1]?.say((to) => reportFail(to, id, "cancelled", { message: "" }, NOTHING));
  expect(said).toEqual(["weighed", "answer"]);
  pool.close();
});

test("a call that is cancelled while it waits ends once, and takes no thread", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  weigh("acme");
  const waiting = weigh("acme");
  const limbo = weigh("other");
  waiting.call.cancel();
  expect(waiting.said).toEqual([]);
  await Promise.resolve();
  expect(waiting.said).toEqual(["fail cancelled"]);
  const [id = 0] = checked(threads[2]);
  threads[2]?.say(weighed(id));
  limbo.call.cancel();
  await Promise.resolve();
  expect(limbo.said).toEqual(["weighed", "fail cancelled"]);
  threads[1]?.say(weighed(checked(threads[1])[0] ?? 0));
  expect(checked(threads[1])).toHaveLength(1);
  pool.close();
});

test("a call that is cancelled while the report about it is on its way ends once", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  const { call, said } = weigh("acme");
  const [id = 0] = checked(threads[1]);
  call.cancel();
  threads[1]?.say(weighed(id));
  await Promise.resolve();
  expect(said).toEqual(["fail cancelled"]);
  threads[1]?.say((to) => reportFail(to, id, "cancelled", { message: "" }, NOTHING));
  expect(said).toEqual(["fail cancelled"]);
  pool.close();
});

test("where a thread is lost, a body that was copied to it is reported as lost, and one that was moved to it fails; the next ones are checked", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  const copied = weigh("acme");
  const given = weigh("other", 2 * KIB * KIB);
  expect([threads[1]?.given, threads[2]?.given]).toEqual([0, 1]);
  const next = weigh("acme");
  threads[1]?.die();
  threads[2]?.die();
  expect([copied.said, given.said]).toEqual([["lost"], ["fail worker_lost"]]);
  expect(next.said).toEqual([]);
  // It waits in the thread that starts.
  expect(threads.slice(3).flatMap(checked)).toHaveLength(1);
  pool.close();
});

test("at the end all fail: those that wait for a thread, and those that wait to be carried", async () => {
  const { pool, threads, weigh, checked } = await pooled();
  const [first, second] = [weigh("acme"), weigh("acme")];
  threads[1]?.say(weighed(checked(threads[1])[0] ?? 0));
  const third = weigh("acme");
  pool.failAll("draining", "The end.");
  expect([first.said, second.said, third.said]).toEqual([["weighed", "fail draining"], ["fail draining"], ["fail draining"]]);
  pool.close();
});
