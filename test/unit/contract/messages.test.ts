/** Orders and reports, written and read again: what one side says is what the other one hears, however many share a message. */
import { expect, test } from "bun:test";
import { type CallEvents, type CallOrder, type Ended, NOTHING_ALONG, type WeighOrder } from "../../../src/contract/call.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import type { Flat, WorkerConfig } from "../../../src/contract/messages.ts";
import * as orders from "../../../src/contract/orders.ts";
import * as reports from "../../../src/contract/reports.ts";

const CALL: CallOrder = {
  dialect: "openai",
  operation: "embeddings",
  target: 3,
  isLast: false,
  stream: true,
  model: "m",
  hints: "h",
  owner: "w",
  along: { passedOn: "x-request-id\nmine", isTimed: true },
  guess: 12,
  estimate: 13,
  factor: 1.5,
  body: "{}",
};
const WEIGH: WeighOrder = { dialect: "anthropic", operation: "generate", hints: "h", owner: "w", body: new ArrayBuffer(3) };
const CONFIG = { proxy: undefined, heldBytes: 1, upstreams: [], weighing: [], targets: [], accepts: [] } as WorkerConfig;

const ENDED: Ended = {
  usage: { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, cacheWriteHour: 2, reasoning: 1 },
  firstByteMs: 5,
  upstreamMs: 6,
  upstreamRequestId: "r",
  estimate: 7,
  unfinished: "resp_1",
  attempts: 8,
};

interface Known {
  id: number;
  events: CallEvents;
}

/** Whoever is asked for one of its methods gets one that notes its name and what it is called with. */
function noting<Taker>(heard: unknown[][], before: unknown[] = []): Taker {
  return new Proxy(
    {},
    {
      get:
        (_, name) =>
        (...told: unknown[]) =>
          void heard.push([...before, name, ...told]),
    },
  ) as Taker;
}

/** What a worker hears of a message. */
function heardOrders(message: Flat): unknown[][] {
  const heard: unknown[][] = [];
  orders.readOrders(message, noting<orders.OrderTaker>(heard));
  return heard;
}

test("orders: each is heard as it was given, in order, and counted", () => {
  const message: Flat = [];
  orders.orderConfigure(message, JSON.stringify(CONFIG));
  orders.orderCall(message, 1, CALL);
  orders.orderWeigh(message, 2, WEIGH);
  orders.orderGo(message, 2, 4, true, 0.5, NOTHING_ALONG);
  orders.orderCredit(message, 1, 4096);
  orders.orderCancel(message, 1);
  orders.orderTeach(message, 3, 1_000, "t");
  orders.orderDrill(message, "stall");
  orders.orderCall(message, 5, { ...CALL, isLast: true, stream: false });
  expect(heardOrders(message)).toEqual([
    ["configure", JSON.parse(JSON.stringify(CONFIG))],
    ["call", 1, CALL],
    ["weigh", 2, WEIGH],
    ["go", 2, 4, true, 0.5, NOTHING_ALONG],
    ["credit", 1, 4096],
    ["cancel", 1],
    ["teach", 3, 1_000, "t"],
    ["drill", "stall"],
    ["call", 5, { ...CALL, isLast: true, stream: false }],
  ]);
  expect(orders.readOrders(message, noting<orders.OrderTaker>([]))).toBe(9);
});

test("orders: one that cannot be carried out is told with its call, and so is a configuration, which is no call's", () => {
  const message: Flat = [];
  orders.orderConfigure(message, "no JSON");
  orders.orderCredit(message, 9, 1);
  orders.orderCancel(message, 9);
  const heard: unknown[][] = [];
  const fault = new Error("a fault");
  const taker = noting<orders.OrderTaker>(heard);
  const credit = () => {
    throw fault;
  };
  orders.readOrders(message, { ...bound(taker), credit });
  expect(heard).toEqual([
    ["failed", undefined, expect.any(SyntaxError)],
    ["failed", 9, fault],
    ["cancel", 9],
  ]);
});

/** The methods of a taker as an object's own. */
function bound(taker: orders.OrderTaker): orders.OrderTaker {
  const { call, weigh, go, cancel, credit, configure, teach, drill, failed } = taker;
  return { call, weigh, go, cancel, credit, configure, teach, drill, failed };
}

test("reports: each is heard as it was given, in order, by the call that it is of", () => {
  const message: Flat = [];
  reports.reportReady(message);
  reports.reportWeighed(message, 1, { model: "m", stream: true, maxTokens: 9 }, 77, 100, "u");
  reports.reportSent(message, 1);
  reports.reportEstimated(message, 1, 50);
  reports.reportDropped(message, 1, "a, b");
  reports.reportMissed(message, 1, "upstream_failed", { message: "no", param: "p" }, ENDED);
  reports.reportPulse(message, 3, 4);
  reports.reportOpen(message, 1, "o");
  reports.reportChunk(message, 1, "c");
  reports.reportChunk(message, 404, "nobody listens");
  reports.reportDone(message, 1, ENDED);
  reports.reportAnswer(message, 2, "a");
  reports.reportFail(message, 2, "internal", { message: "bad" }, ENDED);
  reports.reportNotice(message, "n");
  reports.reportLesson(message, 3, "t", "l");
  const heard: unknown[][] = [];
  const known = (id: number) => (id === 404 ? undefined : { id, events: noting<CallEvents>(heard, [id]) });
  const over = ({ id }: Known) => void heard.push([id, "over"]);
  const rest = noting<reports.ReportTaker<Known>>(heard);
  const { ready, pulse, notice, lesson, failed } = rest;
  reports.readReports<Known>(message, { call: known, over, ready, pulse, notice, lesson, failed });
  expect(heard).toEqual([
    ["ready"],
    [1, "weighed", { model: "m", stream: true, maxTokens: 9, previous: "" }, 77, 100, "u"],
    [1, "sent"],
    [1, "estimated", 50],
    [1, "dropped", "a, b"],
    [1, "missed", new GatewayError("upstream_failed", { message: "no", param: "p" }), ENDED],
    ["pulse", 3, 4],
    [1, "open", "o"],
    [1, "chunk", "c"],
    [1, "over"],
    [1, "done", ENDED],
    [2, "answer", "a"],
    [2, "over"],
    [2, "fail", new GatewayError("internal", { message: "bad" }), ENDED],
    ["notice", "n"],
    ["lesson", 3, "t", "l"],
  ]);
});
