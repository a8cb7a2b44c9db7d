/** What is done where our own code throws, at each boundary: it costs the call in which it throws, and no other. */
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { type CallEvents, type CallOrder, NOTHING_USED } from "../../../src/contract/call.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import type { Flat } from "../../../src/contract/messages.ts";
import { orderCall, orderCancel, orderConfigure } from "../../../src/contract/orders.ts";
import { reportChunk, reportFail, reportOpen, reportPulse, reportReady } from "../../../src/contract/reports.ts";
import { Slot, type SlotEvents } from "../../../src/pool/slot.ts";
import { Desk } from "../../../workers/desk.ts";
import type { Reader } from "../../../workers/providers/provider.ts";
import { ConnectionPool, PooledConnection } from "../../../workers/wire/pool.ts";
import type { Wire } from "../../../workers/wire/sockets/wire.ts";
import { message, ORDER, ordersIn, reportsIn } from "../../support/messages.ts";
import { eventually } from "../../support/waits.ts";
import { CLOUDS, sceneOf } from "./scene.ts";

const FAULT = "a fault that the test made";
const fail = (): never => {
  throw new Error(FAULT);
};

/** A reader that says "!" and has a fault at one of its members. */
function faulty(member: "push" | "end" | "usage" | "error"): Reader {
  const sound = { push: () => "!", end: () => "", error: undefined, complete: false, usage: CLOUDS.bedrock, written: 1 };
  const value = member === "push" || member === "end" ? { value: fail } : { get: fail };
  return Object.defineProperty(sound, member, value) as unknown as Reader;
}

describe("one upstream's bytes", () => {
  for (const operation of ["generate", "count_tokens"] as const) {
    for (const member of ["push", "end", "usage", "error"] as const) {
      // A count looks at neither.
      if (operation === "count_tokens" && (member === "usage" || member === "error")) continue;
      test(`${operation}: a fault in its reader's ${member} is an internal error with its stack, and closes the upstream's connection`, async () => {
        const { events, did, end, detail } = await sceneOf({ reader: () => faulty(member) }, "anthropic", { operation });
        events.head(200, new Map());
        events.chunk(Buffer.from("x"));
        events.end();
        expect(end()).toBe("internal");
        const { message: shown, log } = JSON.parse(detail()) as { message: string; log: string };
        expect(shown).not.toContain(FAULT);
        expect(log).toContain(FAULT);
        expect(log).toContain("faults.test.ts");
        expect(did).toContain("abort");
        expect(did.filter((what) => what === "over")).toHaveLength(1);
      });
    }
  }

  test("a fault where the answer begins is one too", async () => {
    const { events, end } = await sceneOf({ reader: fail }, "unified");
    events.head(200, new Map());
    expect(end()).toBe("internal");
  });

  test("a fault in what the connection carries fails it by name, and does not pass", () => {
    const told: unknown[] = [];
    const wire = { listener: undefined, destroy: () => {} } as unknown as Wire;
    const origin = { tls: false, host: "h", port: 1, ca: undefined };
    const connection = new PooledConnection(new ConnectionPool(origin, undefined, fail), wire);
    connection.exchange = { received: fail, write: fail, lost: fail, fault: (thrown) => void told.push(thrown) };
    connection.received(Buffer.from("x"));
    connection.drained();
    connection.ended();
    expect(told.map(String)).toEqual(Array(3).fill(`Error: ${FAULT}`));
  });
});

test("one order: what cannot be carried out ends its own call, and the orders behind it are carried out", async () => {
  const said: Flat = [];
  const desk = new Desk((reports) => void said.push(...reports), queueMicrotask);
  const odd = { ...ORDER, dialect: "no-such-dialect", operation: "no-such-operation" } as unknown as CallOrder;
  const config = JSON.stringify({ upstreams: [], weighing: [], targets: [], accepts: [] });
  const orders = message((to) => {
    orderConfigure(to, config);
    orderCall(to, 7, odd);
    orderCancel(to, 8);
    orderCall(to, 9, odd);
    orderConfigure(to, config);
  });
  desk.take(orders);
  await Promise.resolve();
  const told = reportsIn(said).map(({ what, id, error }) => `${what} ${id} ${error?.kind}`);
  expect(told).toEqual(["ready 0 undefined", "fail 7 internal", "fail 9 internal", "ready 0 undefined"]);
});

test("one upstream: where it cannot be opened, its own calls fail, and the configuration is in force for the others", async () => {
  const said: Flat = [];
  const desk = new Desk((reports) => void said.push(...reports), queueMicrotask);
  const settings = { credentials: { kind: "key", apiKey: "not-shown-anywhere" }, api: "v1" };
  const upstream = (name: string, endpoint: string, provider = "azure") => ({ name, provider, settings: { ...settings, endpoint } });
  const timeouts = { connectMs: 1_000, firstByteMs: 1_000, silenceMs: 1_000, totalMs: 1_000 };
  const config = JSON.stringify({
    heldBytes: 1_000_000,
    accepts: [{ model: "", fields: ["routes.chat"], isKnown: false, without: [] }],
    weighing: [],
    upstreams: [upstream("bad", "no address"), upstream("odd", "http://127.0.0.1:1", "nobody"), upstream("good", "http://127.0.0.1:1")],
    targets: [0, 1, 2].map((at) => ({ id: at, upstream: at, model: "m", accepts: 0, timeouts })),
  });
  const orders = message((to) => {
    orderConfigure(to, config);
    for (const target of [0, 1, 2]) orderCall(to, target + 1, { ...ORDER, target, body: '{"messages":[]}' });
  });
  desk.take(orders);
  await eventually(() => said.includes("upstream_unreachable"), "the call of the good upstream to end");
  expect(said.filter((field) => field === "internal")).toHaveLength(2);
  expect(said.filter((field) => /upstream "(bad|odd)" cannot be opened/.test(String(field)))).toHaveLength(2);
  expect(JSON.stringify(said)).not.toContain("not-shown-anywhere");
});

describe("one report", () => {
  const ears = (told: string[], more: Partial<CallEvents> = {}): CallEvents => ({
    weighed: () => {},
    sent: () => {},
    estimated: () => {},
    dropped: () => {},
    guarded: () => {},
    open: () => void told.push("open"),
    chunk: () => void told.push("chunk"),
    answer: () => void told.push("answer"),
    missed: () => void told.push("missed"),
    done: () => void told.push("done"),
    fail: ({ kind }: GatewayError) => void told.push(kind),
    lost: () => void told.push("lost"),
    ...more,
  });

  function slotWithReports(more: Partial<SlotEvents> = {}) {
    const notices: string[] = [];
    const orders: Flat = [];
    let reports: (reports: Flat) => void = () => {};
    const start = (events: { reports(reports: Flat): void }) => {
      reports = events.reports;
      return { post: (some: Flat) => void orders.push(...some), terminate: () => {} };
    };
    const slot = new Slot(0, start, {
      died: () => {},
      noticed: (_slot, text) => void notices.push(text),
      learned: () => {},
      came: () => {},
      ...more,
    });
    void slot.configure("{}");
    return { slot, notices, orders, say: (write: (to: Flat) => void) => reports(message(write)) };
  }

  test("a fault of the front in one call ends that call with an internal error, and the other calls of the message get their reports", async () => {
    const { slot, notices, orders, say } = slotWithReports();
    const [mine, other]: string[][] = [[], []];
    const first = slot.open(ears(mine as string[], { open: fail }));
    const second = slot.open(ears(other as string[]));
    say((to) => {
      reportOpen(to, first.id, "a");
      reportOpen(to, second.id, "b");
      reportChunk(to, first.id, "c");
      reportChunk(to, second.id, "d");
    });
    expect(mine).toEqual(["internal"]);
    expect(other).toEqual(["open", "chunk"]);
    expect(slot.calls).toBe(1);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(FAULT);
    await Promise.resolve();
    expect(ordersIn(orders).at(-1)).toEqual({ what: "cancel", id: first.id });
  });

  test("a fault in what is no call's report keeps no call from its own", () => {
    const { slot, notices, say } = slotWithReports({ came: fail });
    const mine: string[] = [];
    const call = slot.open(ears(mine));
    say((to) => {
      reportReady(to);
      reportPulse(to, 3, 1);
      reportOpen(to, call.id, "a");
    });
    expect([mine, slot.isReady, slot.lagMs, slot.calls]).toEqual([["open"], true, 3, 1]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(FAULT);
  });

  test("where all calls end at once, one whose end fails does not keep the others from theirs", () => {
    const { slot, notices } = slotWithReports();
    const other: string[] = [];
    slot.open(ears([], { fail }));
    slot.open(ears(other));
    slot.failAll(new GatewayError("worker_lost", { message: "lost" }));
    expect([other, slot.calls, notices.length]).toEqual([["worker_lost"], 0, 2]);
  });

  test("a fault of the front at the end of one call that lost its worker does not keep the others from theirs", () => {
    const { slot, notices } = slotWithReports();
    const [mine, other]: string[][] = [[], []];
    slot.open(ears(mine as string[], { lost: fail }));
    slot.open(ears(other as string[]));
    slot.loseAll(new GatewayError("worker_lost", { message: "" }));
    expect([mine, other]).toEqual([["internal"], ["lost"]]);
    expect(slot.calls).toBe(0);
    expect(notices).toHaveLength(1);
  });

  test("a report that is no good ends its call alone, even where the end itself fails", () => {
    const { slot, notices, say } = slotWithReports();
    const other: string[] = [];
    const first = slot.open(ears([], { fail }));
    const second = slot.open(ears(other));
    say((to) => {
      reportFail(to, first.id, "internal", { message: "" }, NOTHING_USED);
      to[to.indexOf('{"message":""}')] = "no JSON";
      reportOpen(to, second.id, "b");
    });
    expect(other).toEqual(["open"]);
    expect(notices).toHaveLength(2);
  });
});

for (const [runtime, ...command] of [
  ["bun", process.execPath],
  ["deno", join(import.meta.dir, "../../../node_modules/.bin/deno"), "run", "-A"],
] as const) {
  test(`${runtime}: a fault that belongs to no call is logged, and the process goes on; other deadlines fall due, and what is meant to end still ends`, async () => {
    const { status, stdout, stderr } = spawnSync(command[0] as string, [...command.slice(1), join(import.meta.dir, "outliving.ts")]);
    expect(stdout.toString().trim().split("\n").sort()).toEqual([
      "a later deadline",
      "another deadline of the same turn",
      "told of a deadline",
      "told of a promise",
      "told of a timer",
    ]);
    expect(stderr.toString()).toContain("meant to end");
    expect(status).toBe(1);
  });
}
