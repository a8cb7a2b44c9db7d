/** What a worker says a call has used, however it ended: the relay between an upstream and a front that are both scripted. */

import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/contract/errors.ts";
import type { Flat } from "../../../src/contract/messages.ts";
import { noUsage, type Usage } from "../../../src/contract/usage.ts";
import { dialects } from "../../../src/dialects/index.ts";
import { Estimator } from "../../../workers/estimator.ts";
import { Hold } from "../../../workers/hold.ts";
import { Outbox } from "../../../workers/outbox.ts";
import type { Adapter, Reader } from "../../../workers/providers/provider.ts";
import { Relay } from "../../../workers/relay.ts";
import { Wheel } from "../../../workers/wire/clock.ts";
import type { HttpEvents, HttpRequest } from "../../../workers/wire/http.ts";
import { type Report, reportsIn } from "../../support/messages.ts";
import { job, REQUEST } from "../../unit/workers/providers/upstream.ts";

/** What a worker says in one turn of its event loop leaves at the end of it. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const BODY = JSON.stringify({ model: "claude", max_tokens: 100, messages: [{ role: "user", content: "Hello, how are you today?" }] });
const JOB = job({
  operation: "generate",
  body: BODY,
  hints: "",
  stream: true,
  model: "claude",
  upstreamModel: "m",
});
const TIMEOUTS = { connectMs: 1, firstByteMs: 1, silenceMs: 1, totalMs: 1 };
const INPUT = new Estimator().estimate("anthropic", "claude", BODY);

/** A reader whose state the test sets. */
class ScriptedReader implements Reader {
  error: GatewayError | undefined;
  complete = false;
  usage: Usage = noUsage();
  written = 0;
  held = 0;
  push(): string {
    return "data: {}\n\n";
  }
  end(): string {
    return "";
  }
}

interface Scene {
  relay: Relay;
  reader: ScriptedReader;
  /** The events of the request, once it was sent. */
  events(): HttpEvents;
  /** What the last report says: its kind and what was used. */
  told(): Promise<{ report: Report["what"]; usage: Usage }>;
  /** The estimate in the last report, from which the front learns. */
  estimate(): number;
}

function scene(options: { request?: Adapter["request"]; stream?: boolean } = {}): Scene {
  const said: Flat[] = [];
  const reader = new ScriptedReader();
  const sent: HttpEvents[] = [];
  const estimator = new Estimator();
  const adapter: Adapter = {
    origin: REQUEST.origin,
    request: options.request ?? (() => REQUEST),
    reader: () => reader,
    failure: () => new GatewayError("upstream_failed", { message: "failed" }),
    upstreamRequestId: () => "",
  };
  const client = {
    send: (_request: HttpRequest, _timeouts: unknown, events: HttpEvents) => {
      sent.push(events);
      return { pause: () => {}, resume: () => {}, letEnd: () => {}, abort: () => {} };
    },
    forget: () => {},
    close: () => {},
  };
  const host = {
    client,
    wheel: new Wheel(),
    outbox: new Outbox((message) => said.push(message), setImmediate),
    keepAliveMs: 60_000,
    estimator,
    hold: new Hold(),
  };
  const job = { ...JOB, stream: options.stream ?? true };
  const input = { estimate: undefined, guess: INPUT, factor: 1 };
  const relay = new Relay(
    1,
    host,
    dialects.anthropic,
    job,
    input,
    { id: 1, name: "u", adapter, secrets: [], timeouts: TIMEOUTS },
    () => {},
    () => {},
  );
  return {
    relay,
    reader,
    events: () => sent[0] as HttpEvents,
    async told() {
      await turn();
      const last = reportsIn(said.flat()).at(-1) as Report;
      return { report: last.what, usage: last.ended?.usage as Usage };
    },
    estimate: () => reportsIn(said.flat()).at(-1)?.ended?.estimate as number,
  };
}

const BYTES = new Uint8Array(1);
const used = (input: number, output: number, cacheRead = 0, cacheWrite = 0): Usage => ({
  input,
  output,
  cacheRead,
  cacheWrite,
  cacheWriteHour: 0,
  reasoning: 0,
});

describe("a call that is cancelled", () => {
  test("before its request was sent has used nothing", async () => {
    const { relay, told } = scene({ request: () => new Promise<HttpRequest>(() => {}) });
    relay.cancel();
    expect(await told()).toEqual({ report: "done", usage: noUsage() });
  });

  test("before anything came has used its input", async () => {
    const { relay, told } = scene();
    relay.cancel();
    expect(await told()).toEqual({ report: "done", usage: used(INPUT, 0) });
  });

  test("while an error answer is coming has used nothing", async () => {
    const { relay, events, told } = scene();
    events().head(500, new Map());
    relay.cancel();
    expect((await told()).usage).toEqual(noUsage());
  });

  test("in the middle has used its input and what was written", async () => {
    const { relay, events, reader, told } = scene();
    events().head(200, new Map());
    events().chunk(BYTES);
    reader.written = 350;
    relay.cancel();
    expect((await told()).usage).toEqual(used(INPUT, 100));
  });

  test("after the upstream had reported its input keeps to that", async () => {
    const { relay, events, reader, told } = scene();
    events().head(200, new Map());
    events().chunk(BYTES);
    Object.assign(reader, { written: 350, usage: used(40, 0, 1_000, 20) });
    relay.cancel();
    expect((await told()).usage).toEqual(used(40, 100, 1_000, 20));
  });
});

describe("a call that fails", () => {
  test("before its first byte tells only what the upstream reported, streaming or not", async () => {
    for (const stream of [true, false]) {
      const { events, told } = scene({ stream });
      events().fail({ reason: "unreachable", text: "refused", beforeFirstByte: true });
      expect(await told()).toEqual({ report: "fail", usage: noUsage() });
    }
    const { events, reader, told } = scene({ stream: false });
    events().head(200, new Map());
    reader.usage = used(10, 5);
    reader.written = 7_000;
    events().fail({ reason: "broken", text: "reset", beforeFirstByte: false });
    expect((await told()).usage).toEqual(used(10, 5));
  });

  test("after its first byte tells what was counted", async () => {
    for (const reason of ["broken", "timeout"] as const) {
      const { events, reader, told } = scene();
      events().head(200, new Map());
      events().chunk(BYTES);
      reader.written = 35;
      events().fail({ reason, text: "gone", beforeFirstByte: false });
      expect(await told()).toEqual({ report: "fail", usage: used(INPUT, 10) });
    }
  });
});

describe("a call that comes to its end", () => {
  test("is what its upstream counted, though more was written; the estimate is reported beside it, to learn from", async () => {
    const { events, reader, told, estimate } = scene();
    events().head(200, new Map());
    Object.assign(reader, { written: 35_000, usage: used(12, 7), complete: true });
    events().chunk(BYTES);
    expect(await told()).toEqual({ report: "done", usage: used(12, 7) });
    expect(estimate()).toBe(INPUT);
  });

  test("and was never counted is what can be counted of it; and nothing is learned from that", async () => {
    const { events, reader, told, estimate } = scene();
    events().head(200, new Map());
    Object.assign(reader, { written: 350, complete: true });
    events().chunk(BYTES);
    expect(await told()).toEqual({ report: "done", usage: used(INPUT, 100) });
    expect(estimate()).toBe(0);
  });
});
