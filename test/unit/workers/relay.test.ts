/** Flow control and endings of one call: the relay between an upstream and a front that are both scripted. */

import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/contract/errors.ts";
import { type Flat, STREAM_WINDOW } from "../../../src/contract/messages.ts";
import { noUsage } from "../../../src/contract/usage.ts";
import { dialects } from "../../../src/dialects/index.ts";
import { Estimator } from "../../../workers/estimator.ts";
import { Hold } from "../../../workers/hold.ts";
import { Outbox } from "../../../workers/outbox.ts";
import type { Adapter, Job, Reader } from "../../../workers/providers/provider.ts";
import { Relay } from "../../../workers/relay.ts";
import { Wheel } from "../../../workers/wire/clock.ts";
import type { HttpEvents, HttpRequest } from "../../../workers/wire/http.ts";
import { reportsIn } from "../../support/messages.ts";
import { eventually, pause } from "../../support/waits.ts";
import { job, REQUEST } from "./providers/upstream.ts";

/** What a worker says in one turn of its event loop leaves at the end of it. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const BODY = '{"messages":[]}';
const JOB = job({ operation: "generate", body: BODY, hints: "", stream: true, model: "claude", upstreamModel: "m" });

/** Gives back what it is pushed, and is complete after a "!". */
class EchoReader implements Reader {
  error: GatewayError | undefined;
  complete = false;
  usage = noUsage();
  written = 0;
  held = 0;
  push(bytes: Uint8Array): string {
    const text = Buffer.from(bytes).toString("latin1");
    this.complete = text.endsWith("!");
    return text;
  }
  end(): string {
    return "";
  }
}

interface Given {
  keepAliveMs?: number;
  asked?: Partial<Job>;
  adapter?: Partial<Adapter>;
}

function scene({ keepAliveMs = 60_000, asked, adapter: own }: Given = {}) {
  const carried: Job = { ...JOB, ...asked };
  const did: string[] = [];
  const said: Flat[] = [];
  let events: HttpEvents | undefined;
  let refusedWith = "";
  const note = (what: string) => () => void did.push(what);
  const host = {
    client: {
      send: (_request: HttpRequest, _timeouts: unknown, listener: HttpEvents) => {
        events = listener;
        did.push("send");
        return { pause: note("pause"), resume: note("resume"), letEnd: note("let end"), abort: note("abort") };
      },
      forget: () => {},
      close: () => {},
    },
    wheel: new Wheel(),
    outbox: new Outbox((message) => void said.push(message), setImmediate),
    keepAliveMs,
    estimator: new Estimator(),
    hold: new Hold(),
  };
  const adapter = {
    origin: REQUEST.origin,
    request: () => REQUEST,
    reader: () => new EchoReader(),
    failure: (_job: unknown, status: number, _headers: unknown, body: string) => {
      refusedWith = body;
      return new GatewayError("upstream_failed", { message: `status ${status}` });
    },
    upstreamRequestId: () => "",
    ...own,
  };
  const timeouts = { connectMs: 1, firstByteMs: 1, silenceMs: 1, totalMs: 1 };
  const relay = new Relay(
    1,
    host,
    dialects.anthropic,
    carried,
    { estimate: 1, guess: 1, factor: 1 },
    { id: 1, name: "u", adapter, secrets: [], timeouts },
    () => void did.push("over"),
    () => void did.push("missed"),
  );
  if (events === undefined) throw new Error("nothing was sent");
  // The tests look at what follows.
  did.length = 0;
  const reports = async () => {
    await turn();
    return reportsIn(said.flat()).map(({ what }) => what);
  };
  return { relay, did, said, events, reports, carried, refusedWith: () => refusedWith };
}

const bytes = (length: number, end = "x") => Buffer.from("x".repeat(length - 1) + end);

describe("a stream whose client falls behind", () => {
  test("is paused at a window's bytes, and resumed when half of it is taken", () => {
    const { relay, events, did } = scene();
    events.head(200, new Map());
    events.chunk(bytes(STREAM_WINDOW - 1));
    expect(did).toEqual([]);
    events.chunk(bytes(1));
    expect(did).toEqual(["pause"]);
    relay.credit(STREAM_WINDOW / 2);
    expect(did).toEqual(["pause"]);
    relay.credit(1);
    expect(did).toEqual(["pause", "resume"]);
  });

  test("and that is complete in the very bytes that filled the window still lets its adapter come to its end", async () => {
    const { events, did, reports } = scene();
    events.head(200, new Map());
    events.chunk(bytes(STREAM_WINDOW, "!"));
    expect(did).toEqual(["pause", "let end", "over"]);
    expect(await reports()).toEqual(["open", "done"]);
  });
});

test("an error answer without an end is not waited for beyond 64 KiB", () => {
  const { events, did, refusedWith } = scene();
  events.head(500, new Map());
  events.chunk(bytes(40_000));
  expect(did).toEqual([]);
  events.chunk(bytes(40_000));
  expect(did).toEqual(["let end", "over", "abort"]);
  expect(refusedWith()).toHaveLength(64 * 1024);
});

describe("a silent stream", () => {
  test("carries its dialect's keep-alive between two events, and only then", async () => {
    const { events, said } = scene({ keepAliveMs: 60 });
    events.head(200, new Map());
    events.chunk(bytes(5));
    const texts = () => reportsIn(said.flat()).map(({ what, text }) => [what, text]);
    await eventually(() => texts().length >= 3, "two of them");
    const [first, ...others] = texts();
    expect(first).toEqual(["open", "xxxxx"]);
    expect(others.every(([what, text]) => what === "chunk" && text === dialects.anthropic.keepAlive)).toBe(true);
  });

  test("carries none while its client has enough to read", async () => {
    const { relay, events, said } = scene({ keepAliveMs: 20 });
    events.head(200, new Map());
    events.chunk(bytes(STREAM_WINDOW));
    await pause(100);
    const count = () => reportsIn(said.flat()).length;
    expect(count()).toBe(1);
    relay.credit(STREAM_WINDOW);
    await eventually(() => count() > 1, "a keep-alive");
  });
});

describe("the request's body is let go of", () => {
  test("when the answer begins, where no other target follows", () => {
    const { events, carried } = scene();
    expect(carried.body).toBe(BODY);
    events.head(200, new Map());
    expect(carried.body).toBe("");
  });

  test("at the first text, where another target might still answer", () => {
    const { events, carried } = scene({ asked: { isLast: false } });
    events.head(200, new Map());
    expect(carried.body).toBe(BODY);
    events.chunk(bytes(5));
    expect(carried.body).toBe("");
  });
});

test("a whole answer that says itself that it failed has answered: no other target is asked", async () => {
  class Failed extends EchoReader {
    override complete = true;
    override error = new GatewayError("upstream_failed", { message: "said so" });
  }
  const { events, did, reports } = scene({ asked: { stream: false, isLast: false }, adapter: { reader: () => new Failed() } });
  events.head(200, new Map());
  events.end();
  expect(await reports()).toEqual(["answer", "fail"]);
  expect(did).not.toContain("missed");
});

test("a guardrail's intervention is reported once, however much comes after it", async () => {
  class Guarded extends EchoReader {
    override usage = { ...noUsage(), isGuarded: true };
  }
  const { events, reports } = scene({ adapter: { reader: () => new Guarded() } });
  events.head(200, new Map());
  for (let chunk = 0; chunk < 3; chunk++) events.chunk(bytes(5));
  expect((await reports()).filter((what) => what === "guarded")).toHaveLength(1);
});

test("a refusal that teaches something has one more try, and the next one is the answer, whatever it would teach", async () => {
  const { events, did, reports } = scene({ adapter: { lesson: () => ({ line: "l", taught: "t" }) } });
  events.head(400, new Map());
  events.end();
  expect(did).toEqual(["send"]);
  events.head(400, new Map());
  events.end();
  expect(did).toEqual(["send", "let end", "over"]);
  expect(await reports()).toEqual(["lesson", "lesson", "fail"]);
});
