/** Moments at which a worker is lost that no clock can hit: the gateway over threads that a test scripts. */
import { afterEach, expect, test } from "bun:test";
import { NOTHING_USED } from "../../../src/contract/call.ts";
import type { Flat } from "../../../src/contract/messages.ts";
import { reportDone, reportMissed, reportOpen, reportReady, reportWeighed } from "../../../src/contract/reports.ts";
import { Limiter } from "../../../src/limiter/limiter.ts";
import { MemoryStore } from "../../../src/limiter/memory.ts";
import type { LimiterStore } from "../../../src/limiter/store.ts";
import type { StartWorker } from "../../../src/pool/thread.ts";
import { message, type Order, ordersIn } from "../../support/messages.ts";
import { eventually } from "../../support/waits.ts";
import { anthropic } from "../dialects.ts";
import { type InProcess, startInProcess } from "../limits/in-process.ts";

const MODEL = "claude-3-haiku-20240307";
const TARGET = { upstream: "bedrock-eu", model: "anthropic.claude-3-haiku-20240307-v1:0" };
const TWO_TARGETS = { models: { [MODEL]: { targets: [TARGET, { ...TARGET, model: "anthropic.claude-3-sonnet-20240229-v1:0" }] } } };
const LARGE = `${"weir ".repeat(20_000)}the end`;
/** Small enough to be checked by a worker; and it might be too much for the limit, so that it is weighed. */
const NEAR = `${"weir ".repeat(2_400)}the end`;
const CHUNK = 'data: {"type":"message_start"}\n\n';

class Thread {
  readonly orders: Order[] = [];
  readonly #reports: (reports: Flat) => void;
  readonly #died: (reason: string) => void;

  constructor(reports: (reports: Flat) => void, died: (reason: string) => void) {
    this.#reports = reports;
    this.#died = died;
  }

  say(write: (to: Flat) => void): void {
    this.#reports(message(write));
  }

  die(): void {
    this.#died("a fault");
  }

  take(orders: Flat): void {
    for (const order of ordersIn(orders)) {
      this.orders.push(order);
      if (order.what === "configure") queueMicrotask(() => this.say(reportReady));
    }
  }

  count(what: Order["what"]): number {
    return this.orders.filter((order) => order.what === what).length;
  }

  /** The one order of this kind. */
  async told(what: Order["what"]): Promise<Order> {
    await eventually(() => this.count(what) > 0, `an order to ${what}`);
    expect(this.count(what)).toBe(1);
    return this.orders.find((order) => order.what === what) as Order;
  }

  weighed({ id }: Order): void {
    this.say((to) => reportWeighed(to, id, { model: MODEL, stream: true, maxTokens: 50 }, 0, 2_000, ""));
  }

  answer({ id }: Order): void {
    this.say((to) => {
      reportOpen(to, id, CHUNK);
      reportDone(to, id, NOTHING_USED);
    });
  }
}

let gateway: InProcess | undefined;
let threads: Thread[] = [];
afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
  threads = [];
});

async function started(store: LimiterStore = new MemoryStore(), more: object = {}): Promise<InProcess> {
  const start: StartWorker = ({ reports, died }) => {
    const thread = new Thread(reports, died);
    threads.push(thread);
    return { post: (orders) => thread.take(orders), terminate: () => {} };
  };
  gateway = await startInProcess(new Limiter({ store }), { rpm: 100, tpm: 10_000 }, more, { size: 2, start });
  return gateway;
}

/** The thread that has such an order, and the other one. */
async function threadWith(what: Order["what"]): Promise<[Thread, Thread]> {
  await eventually(() => threads.some((thread) => thread.count(what) > 0), `an order to ${what}`);
  const [one, other] = threads as [Thread, Thread];
  return one.count(what) > 0 ? [one, other] : [other, one];
}

const textOf = ({ weigh }: Order) => Buffer.from(weigh?.body ?? new ArrayBuffer(0)).toString("utf8");
const ask = (on: InProcess, text = NEAR) => on.open(anthropic, anthropic.body(text, { model: MODEL, max_tokens: 50, stream: true }));

test("a worker lost while it weighs: another one weighs the whole body", async () => {
  const call = ask(await started());
  const [first, second] = await threadWith("weigh");
  first.die();
  const order = await second.told("weigh");
  expect(textOf(order)).toContain(NEAR);
  second.weighed(order);
  await second.told("go");
  second.answer(order);
  const { status, headers } = await call.answered;
  // It had not been tried anywhere.
  expect([status, headers.get("x-weir-attempts")]).toEqual([200, "1"]);
});

test("a thread lost while it checks a large body: another one checks the whole body, and a worker carries the call", async () => {
  const call = ask(await started(), LARGE);
  const checking = () => threads.filter((thread) => thread.count("weigh") > 0);
  await eventually(() => checking().length === 1, "an order to weigh");
  const [first] = checking();
  expect(threads.indexOf(first as Thread)).toBe(2);
  first?.die();
  await eventually(() => checking().length === 2, "another thread to weigh");
  const second = checking()[1] as Thread;
  const order = await second.told("weigh");
  expect(textOf(order)).toContain(LARGE);
  second.weighed(order);
  const [worker] = await threadWith("call");
  const carried = await worker.told("call");
  expect(carried.call?.body).toContain(LARGE);
  expect(carried.call?.estimate).toBe(2_000);
  worker.answer(carried);
  const { status, headers } = await call.answered;
  expect([status, headers.get("x-weir-attempts")]).toEqual([200, "1"]);
});

/** Decides when it is let. */
class Gated implements LimiterStore {
  readonly name = "memory";
  readonly #memory = new MemoryStore();
  asked = 0;
  decide: () => void = () => {};

  async reserve(ask: Parameters<MemoryStore["reserve"]>[0]) {
    this.asked += 1;
    await new Promise<void>((resolve) => {
      this.decide = resolve;
    });
    return this.#memory.reserve(ask);
  }

  adjust(adjustment: Parameters<MemoryStore["adjust"]>[0]): void {
    this.#memory.adjust(adjustment);
  }

  async flush(): Promise<void> {}
  async probe(): Promise<void> {}
  async close(): Promise<void> {}
}

for (const isDecidedFirst of [true, false]) {
  const when = isDecidedFirst ? "before" : "after";
  test(`a worker lost while the limiter decides, which it does ${when} another one has weighed: the call is reserved for once`, async () => {
    const store = new Gated();
    const call = ask(await started(store));
    const [first, second] = await threadWith("weigh");
    first.weighed(await first.told("weigh"));
    await eventually(() => store.asked === 1, "the limiter to be asked");
    first.die();
    const order = await second.told("weigh");
    if (isDecidedFirst) store.decide();
    await Bun.sleep(1);
    expect(second.count("go")).toBe(0);
    second.weighed(order);
    if (!isDecidedFirst) {
      expect(second.count("go")).toBe(0);
      store.decide();
    }
    await second.told("go");
    second.answer(order);
    expect((await call.answered).status).toBe(200);
    expect(store.asked).toBe(1);
  });
}

test("a worker lost in the pause before the next target: that pause sends nothing to the worker that has the call now", async () => {
  const call = ask(await started(new MemoryStore(), TWO_TARGETS), "Hello");
  const [first, second] = await threadWith("call");
  const { id } = await first.told("call");
  first.say((to) => reportMissed(to, id, "upstream_failed", { message: "no" }, NOTHING_USED));
  first.die();
  const order = await second.told("call");
  // As long as the longest first pause.
  await Bun.sleep(30);
  expect(second.count("go")).toBe(0);
  second.answer(order);
  const { status, headers } = await call.answered;
  expect([status, headers.get("x-weir-attempts")]).toEqual([200, "3"]);
});

test("a client that leaves while its call waits for a worker ends it at once, and no worker hears of it again", async () => {
  const on = await started();
  const call = ask(on, "Hello");
  const [first, second] = await threadWith("call");
  second.die();
  first.die();
  call.leave();
  await eventually(async () => (await on.ended("cancelled")) === 1, "the call to end");
  await eventually(() => threads.length === 4, "two more threads", 3_000);
  await Bun.sleep(1);
  expect(threads.map((thread) => thread.count("call"))).toEqual([...threads].map((thread) => Number(thread === first)));
});
