/** Answers that continue after their call: the upstream is asked until they have ended, they are settled once, and few are asked about at a time. */
import { describe, expect, test } from "bun:test";
import type { CallEvents, CallOrder, Ended } from "../../../src/contract/call.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { noUsage, type Usage } from "../../../src/contract/usage.ts";
import type { Reservation } from "../../../src/limiter/limiter.ts";
import { Unfinished, type UnfinishedParts } from "../../../src/request/unfinished.ts";
import type { Visit } from "../../../src/request/visit.ts";

const RESERVATION: Reservation = { workspace: "acme", model: "m", tokens: 300, output: 256 };
const USED: Usage = { ...noUsage(), input: 10, output: 5_000, reasoning: 4_000 };
const upstream = { name: "azure", keeping: { place: "https://acme.test", secrets: ["x"] } };
const visit = () =>
  ({
    dialect: { upstream: "openai" },
    region: "eu",
    requestId: "r",
    claim: { workspace: "acme", model: "m" },
    reservation: RESERVATION,
    lastAttempt: { target: { upstream } },
  }) as unknown as Visit;
const ended = (unfinished: string, usage = noUsage()): Ended => ({
  usage,
  firstByteMs: 1,
  upstreamMs: 1,
  upstreamRequestId: "",
  estimate: 0,
  unfinished,
  attempts: 1,
});

function world({ isServed = true, hasWorker = true } = {}) {
  let nowMs = 0;
  const asked: { order: CallOrder; events: CallEvents }[] = [];
  const settled: { used: Usage; before: Usage }[] = [];
  const counted: [Usage | undefined, number | undefined][] = [];
  const parts = {
    catalog: { served: () => (isServed ? new Map([["m", { targets: [{ id: 7, upstream }] }]]) : new Map()) },
    pool: {
      call(order: CallOrder, events: CallEvents) {
        if (!hasWorker) return undefined;
        asked.push({ order, events });
        return {};
      },
    },
    admission: {
      settleLate: (_claim: unknown, _reservation: unknown, used: Usage, before: Usage = noUsage()) => settled.push({ used, before }),
    },
    metrics: { tokensUsed: () => {} },
    totals: { count: (_workspace: string, _model: string, usage: Usage | undefined, requests?: number) => counted.push([usage, requests]) },
    accessLog: { addLate: () => {} },
  } as unknown as UnfinishedParts;
  const unfinished = new Unfinished(
    () => parts,
    () => nowMs,
  );
  const after = (ms: number) => {
    nowMs += ms;
    unfinished.look();
  };
  return { unfinished, asked, settled, counted, after };
}

describe("an answer that continues after its call", () => {
  test("is asked about less and less often, by its own id at a target of its place, and settled once", () => {
    const { unfinished, asked, settled, counted, after } = world();
    unfinished.add(visit(), ended("resp_1"));
    after(500);
    expect(asked).toHaveLength(0);
    let waited = 0;
    for (let nth = 0; nth < 10; nth++) {
      const before = asked.length;
      while (asked.length === before) {
        after(500);
        waited += 500;
      }
      expect(asked.at(-1)?.order).toMatchObject({ operation: "kept_usage", body: "resp_1", target: 7, owner: "acme" });
      asked.at(-1)?.events.done(ended("resp_1"));
    }
    expect(waited).toBeGreaterThan(60_000);
    while (asked.length === 10) after(10_000);
    asked.at(-1)?.events.done(ended("", USED));
    asked.at(-1)?.events.done(ended("", USED));
    expect(settled).toEqual([{ used: USED, before: noUsage() }]);
    expect(counted).toEqual([[USED, 0]]);
    expect(unfinished.size).toBe(0);
  });

  test("is asked about again where its upstream or a worker fails, and not any more where it was deleted", () => {
    const { unfinished, asked, settled, counted, after } = world();
    unfinished.add(visit(), ended("resp_1", { ...noUsage(), output: 9 }));
    after(1_000);
    asked.at(-1)?.events.fail(new GatewayError("upstream_failed", { message: "" }), undefined);
    after(10_000);
    asked.at(-1)?.events.lost(new GatewayError("worker_lost", { message: "" }));
    after(10_000);
    expect([asked.length, settled.length]).toEqual([3, 0]);
    asked.at(-1)?.events.fail(new GatewayError("upstream_rejected", { message: "" }), undefined);
    expect(settled).toEqual([{ used: noUsage(), before: { ...noUsage(), output: 9 } }]);
    // What its client had of it was used in any case.
    expect(counted).toEqual([[{ ...noUsage(), output: 9 }, 0]]);
  });

  test("costs what was reserved where its id is not known, its target is gone, or it does not end within a day", () => {
    const unknown = world();
    unknown.unfinished.add(visit(), ended("?"));
    expect([unknown.settled.length, unknown.unfinished.size]).toEqual([1, 0]);
    const gone = world({ isServed: false });
    gone.unfinished.add(visit(), ended("resp_1"));
    gone.after(1_000);
    expect([gone.settled.length, gone.asked.length]).toEqual([1, 0]);
    const endless = world({ hasWorker: false });
    endless.unfinished.add(visit(), ended("resp_1"));
    endless.after(86_400_000);
    expect(endless.settled).toHaveLength(0);
    endless.after(1_000);
    expect(endless.settled).toHaveLength(1);
  });

  test("is one of at most sixteen that are asked about at a time, and of ten thousand that are remembered", () => {
    const { unfinished, asked, settled, after } = world();
    for (let nth = 0; nth < 10_005; nth++) unfinished.add(visit(), ended(`resp_${nth}`));
    expect([unfinished.size, settled.length]).toEqual([10_000, 5]);
    after(1_000);
    after(1_000);
    expect(asked).toHaveLength(16);
    for (const { events } of [...asked]) events.done(ended("", USED));
    expect([unfinished.size, settled.length]).toEqual([9_984, 21]);
    after(500);
    expect(asked).toHaveLength(32);
  });
});
