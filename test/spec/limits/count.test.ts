/** A count that its upstream does not give in time is answered by the estimate; the worker's side of `…/count_tokens`. */

import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { Timeouts } from "../../../src/contract/config.ts";
import type { Flat } from "../../../src/contract/messages.ts";
import { noUsage } from "../../../src/contract/usage.ts";
import { dialects } from "../../../src/dialects/index.ts";
import { Count } from "../../../workers/count.ts";
import { Estimator } from "../../../workers/estimator.ts";
import { Hold } from "../../../workers/hold.ts";
import { Outbox } from "../../../workers/outbox.ts";
import { bedrockCount } from "../../../workers/providers/bedrock/operations.ts";
import { takesOf } from "../../../workers/providers/bedrock/takes.ts";
import type { Adapter } from "../../../workers/providers/provider.ts";
import { Wheel } from "../../../workers/wire/clock.ts";
import type { HttpEvents, HttpRequest } from "../../../workers/wire/http.ts";
import { type Report, reportsIn } from "../../support/messages.ts";
import { acceptsOf, job, REQUEST } from "../../unit/workers/providers/upstream.ts";

/** What a worker says in one turn of its event loop leaves at the end of it. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const BODY = JSON.stringify({ model: "claude", messages: [{ role: "user", content: "Hello, how are you today?" }] });
const JOB = job({
  operation: "count_tokens",
  body: BODY,
  hints: "2023-06-01\n",
  stream: false,
  model: "claude",
  upstreamModel: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
});
const PATIENT: Timeouts = { connectMs: 10_000, firstByteMs: 600_000, silenceMs: 600_000, totalMs: 600_000 };
const ESTIMATE = new Estimator().estimate("anthropic", "claude", BODY);

/** @returns what was reported after `act` has played the upstream. */
async function reported(act: (events: HttpEvents) => void, timeouts: (given: Timeouts) => void = () => {}): Promise<Report[]> {
  const reports: Flat = [];
  const outbox = new Outbox((message) => reports.push(...message), setImmediate);
  let events: HttpEvents | undefined;
  const client = {
    send(_request: HttpRequest, given: Timeouts, listener: HttpEvents) {
      timeouts(given);
      events = listener;
      return { pause() {}, resume() {}, letEnd() {}, abort() {} };
    },
    forget() {},
    close() {},
  };
  const adapter: Adapter = {
    origin: REQUEST.origin,
    request: () => REQUEST,
    reader: (job) => bedrockCount.reader(job, { upstream: "u", upstreamModel: "m" }),
    failure: () => {
      throw new Error("is told, and its error is not for the client");
    },
    upstreamRequestId: () => "",
  };
  const host = { client, wheel: new Wheel(), outbox, keepAliveMs: 1000, estimator: new Estimator(), hold: new Hold() };
  new Count(
    1,
    host,
    dialects.anthropic,
    JOB,
    { estimate: undefined, guess: 0, factor: 1 },
    { id: 1, name: "u", adapter, secrets: [], timeouts: PATIENT },
    () => {},
  );
  await turn();
  if (events !== undefined) act(events);
  await turn();
  return reportsIn(reports);
}

const headers = new Map<string, string>();
const estimated = { what: "answer", id: 1, text: `{"input_tokens":${ESTIMATE}}` } as const;

describe("a count", () => {
  test("is the upstream's own", async () => {
    const reports = await reported((events) => {
      events.head(200, headers);
      for (const byte of Buffer.from('{"inputTokens":42}')) events.chunk(new Uint8Array([byte]));
      events.end();
    });
    expect(reports[0]).toEqual({ what: "answer", id: 1, text: '{"input_tokens":42}' });
    expect(reports[1]).toMatchObject({ what: "done", id: 1, ended: { usage: noUsage() } });
  });

  test("waits for its upstream five seconds at most", async () => {
    let given: Timeouts | undefined;
    const reports = await reported(
      (events) => events.fail({ reason: "timeout", text: "no answer", beforeFirstByte: true }),
      (timeouts) => {
        given = timeouts;
      },
    );
    expect(given).toEqual({ connectMs: 5_000, firstByteMs: 5_000, silenceMs: 5_000, totalMs: 5_000 });
    expect(reports[0]).toEqual(estimated);
  });

  test("is the estimate where the upstream's answer is none", async () => {
    const reports = await reported((events) => {
      events.head(200, headers);
      events.chunk(Buffer.from("<html>"));
      events.end();
    });
    expect(reports[0]).toEqual(estimated);
  });
});

describe("Bedrock's CountTokens", () => {
  const invoked = (body: object) => {
    const wrapped = JSON.parse(bedrockCount.body({ ...JOB, body: JSON.stringify(body) }, takesOf(acceptsOf("bedrock"))).body);
    return JSON.parse(Buffer.from(wrapped.input.invokeModel.body, "base64").toString("utf8"));
  };

  test("asks for the model itself, not its inference profile, or for what the operator names", () => {
    expect(bedrockCount.model(JOB)).toBe("anthropic.claude-sonnet-4-5-20250929-v1:0");
    expect(bedrockCount.model({ ...JOB, upstreamModel: "anthropic.claude-x" })).toBe("anthropic.claude-x");
    expect(bedrockCount.model({ ...JOB, countModel: "eu.anthropic.claude-y" })).toBe("eu.anthropic.claude-y");
  });

  test("has the room for an answer that InvokeModel wants, and more than there is for thoughts", () => {
    expect(invoked({ messages: [] })).toEqual({ messages: [], anthropic_version: "bedrock-2023-05-31", max_tokens: 1024 });
    expect(invoked({ messages: [], max_tokens: 7 }).max_tokens).toBe(7);
    expect(invoked({ messages: [], thinking: { type: "enabled", budget_tokens: 5000 } }).max_tokens).toBe(6024);
  });
});
