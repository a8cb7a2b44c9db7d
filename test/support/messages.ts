/** Messages between the front and a worker, taken apart for tests that play one of the two. */
import { type CallEvents, type CallOrder, type Ended, NOTHING_ALONG, type WeighOrder } from "../../src/contract/call.ts";
import type { GatewayError } from "../../src/contract/errors.ts";
import type { Flat } from "../../src/contract/messages.ts";
import { readOrders } from "../../src/contract/orders.ts";
import { readReports } from "../../src/contract/reports.ts";

/** One report: its kind, the id of its call (0 where it belongs to none), and what it carries. */
export interface Report {
  what: keyof CallEvents | "ready" | "pulse" | "notice" | "lesson";
  id: number;
  /** A text, names, or a number as text; "" where there is none. */
  text: string;
  error?: GatewayError;
  ended?: Ended | undefined;
}

/** One order. */
export interface Order {
  what: "call" | "weigh" | "go" | "cancel" | "credit" | "configure" | "teach" | "drill";
  id: number;
  call?: CallOrder;
  weigh?: Omit<WeighOrder, "workspace">;
  /** The target, and what it has taught. */
  taught?: [target: number, taught: string];
}

const rethrow = (thrown: unknown): never => {
  throw thrown;
};

/** A call for tests in which it does not matter what is asked. */
export const ORDER: CallOrder = {
  dialect: "openai",
  operation: "generate",
  target: 0,
  isLast: true,
  along: NOTHING_ALONG,
  stream: false,
  model: "m",
  hints: "",
  owner: "acme",
  guess: 1,
  factor: 1,
  body: "{}",
};

/** Whether its call has ended. */
export const isEnd = ({ what }: Report): boolean => what === "done" || what === "fail";

export function reportsIn(message: Flat): Report[] {
  const reports: Report[] = [];
  const note = (report: Report) => void reports.push(report);
  const events = (id: number): CallEvents => ({
    open: (text) => note({ what: "open", id, text }),
    chunk: (text) => note({ what: "chunk", id, text }),
    answer: (text) => note({ what: "answer", id, text }),
    weighed: (envelope, _conversation, estimate) => note({ what: "weighed", id, text: `${envelope.model} ${estimate}` }),
    sent: () => note({ what: "sent", id, text: "" }),
    estimated: (tokens) => note({ what: "estimated", id, text: String(tokens) }),
    dropped: (names) => note({ what: "dropped", id, text: names }),
    guarded: () => note({ what: "guarded", id, text: "" }),
    missed: (error, ended) => note({ what: "missed", id, text: "", error, ended }),
    done: (ended) => note({ what: "done", id, text: "", ended }),
    fail: (error, ended) => note({ what: "fail", id, text: "", error, ended }),
    lost: () => {},
  });
  readReports(message, {
    call: (id) => ({ events: events(id) }),
    over: () => {},
    ready: () => note({ what: "ready", id: 0, text: "" }),
    pulse: (lagMs, taken) => note({ what: "pulse", id: 0, text: `${lagMs} ${taken}` }),
    notice: (text) => note({ what: "notice", id: 0, text }),
    lesson: (target, taught) => note({ what: "lesson", id: 0, text: `${target} ${taught}` }),
    failed: (_call, thrown) => rethrow(thrown),
  });
  return reports;
}

export function ordersIn(message: Flat): Order[] {
  const orders: Order[] = [];
  const note = (order: Order) => void orders.push(order);
  readOrders(message, {
    call: (id, call) => note({ what: "call", id, call }),
    weigh: (id, weigh) => note({ what: "weigh", id, weigh }),
    go: (id) => note({ what: "go", id }),
    cancel: (id) => note({ what: "cancel", id }),
    credit: (id) => note({ what: "credit", id }),
    configure: () => note({ what: "configure", id: 0 }),
    teach: (target, _forMs, taught) => note({ what: "teach", id: 0, taught: [target, taught] }),
    drill: () => note({ what: "drill", id: 0 }),
    failed: (_id, thrown) => rethrow(thrown),
  });
  return orders;
}

/** A message that `write` has written. */
export function message(write: (to: Flat) => void): Flat {
  const written: Flat = [];
  write(written);
  return written;
}
