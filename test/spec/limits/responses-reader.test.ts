/** Responses of Azure as a reader sees them: passed as they came, wherever the network cuts them, and read for their usage. */
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { ResponsesStream, WholeResponse } from "../../../workers/providers/azure/responses-reader.ts";

const PLACE = { upstream: "u", deployment: "d" };
const USAGE = {
  input_tokens: 30,
  input_tokens_details: { cached_tokens: 20 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 3 },
  total_tokens: 37,
};
const event = (type: string, fields: object = {}, lineEnd = "\n") =>
  `event: ${type}${lineEnd}data: ${JSON.stringify({ type, sequence_number: 1, ...fields })}${lineEnd}${lineEnd}`;
const bytes = (text: string) => Buffer.from(text, "utf8");
const latin = (text: string) => Buffer.from(text, "utf8").toString("latin1");

const stream = (last: string) =>
  [
    event("response.created", { response: { status: "in_progress", usage: null } }),
    event("response.output_text.delta", { delta: 'é "😀"', logprobs: [] }),
    event("response.function_call_arguments.delta", { delta: '{"a":1}' }, "\r\n"),
    event("response.x_future", { big: 1 }).replace('"big":1', '"big":12345678901234567890'),
    event(last, { response: { usage: USAGE } }),
  ].join("");

describe("a stream", () => {
  for (const last of ["response.completed", "response.incomplete"]) {
    test(`that ends with ${last} passes untouched wherever it is cut, and its usage is read`, () => {
      const whole = bytes(stream(last));
      for (let cut = 0; cut <= whole.length; cut++) {
        const reader = new ResponsesStream(PLACE);
        const shown = reader.push(whole.subarray(0, cut)) + reader.push(whole.subarray(cut)) + reader.end();
        expect(reader.error).toBeUndefined();
        expect(reader.complete).toBe(true);
        if (shown !== whole.toString("latin1")) expect({ cut, shown }).toEqual({ cut, shown: whole.toString("latin1") });
        expect(reader.usage).toEqual({ input: 10, output: 7, cacheRead: 20, cacheWrite: 0, cacheWriteHour: 0, reasoning: 3 });
        // As JSON writes them: é is two bytes, 😀 four, and each quote has its backslash.
        expect(reader.written).toBe(11 + 9);
      }
    });
  }

  test("byte by byte it is the same", () => {
    const whole = bytes(stream("response.completed"));
    const reader = new ResponsesStream(PLACE);
    let shown = "";
    for (const byte of whole) shown += reader.push(new Uint8Array([byte]));
    expect(shown + reader.end()).toBe(whole.toString("latin1"));
  });

  test("without its last event is broken, wherever it stops", () => {
    const whole = bytes(stream("response.completed"));
    const before = whole.length - bytes(event("response.completed", { response: { usage: USAGE } })).length;
    for (const stop of [0, 1, before, before + 10, whole.length - 1]) {
      const reader = new ResponsesStream(PLACE);
      reader.push(whole.subarray(0, stop));
      reader.end();
      expect(reader.complete).toBe(false);
      expect(reader.error?.kind).toBe("upstream_malformed");
    }
  });

  test("an error event ends it with Azure's words, whether they are at the top or under `error`", () => {
    for (const fields of [{ code: "server_error", message: "Sorry" }, { error: { code: "server_error", message: "Sorry" } }]) {
      const reader = new ResponsesStream(PLACE);
      const good = event("response.created");
      expect(reader.push(bytes(good + event("error", fields)))).toBe(good);
      expect(reader.error?.kind).toBe("upstream_failed");
      expect(reader.error?.detail).toMatchObject({ message: "Sorry", code: "server_error" });
    }
  });

  const failed = (error: object | null) => event("response.failed", { response: { status: "failed", usage: USAGE, error } });
  const told = event("error", { code: "rate_limit_exceeded", message: "Sorry" });
  const endings: [what: string, ending: string, kind: string, message: RegExp][] = [
    ["without a reason, which follows in another event", failed(null) + told, "upstream_rate_limited", /^Sorry$/],
    ["with its reason", failed({ code: "rate_limit_exceeded", message: "Sorry" }), "upstream_rate_limited", /^Sorry$/],
    ["without a reason at all", failed(null), "upstream_failed", /./],
  ];
  for (const [what, ending, kind, message] of endings) {
    test(`that fails ${what} passes untouched wherever it is cut, is no good one, and its usage is read`, () => {
      const whole = bytes(event("response.created") + ending);
      for (let cut = 0; cut <= whole.length; cut++) {
        const reader = new ResponsesStream(PLACE);
        const shown = reader.push(whole.subarray(0, cut)) + reader.push(whole.subarray(cut)) + reader.end();
        expect({ cut, shown }).toEqual({ cut, shown: whole.toString("latin1") });
        expect(reader.complete).toBe(false);
        expect([reader.error?.kind, reader.error?.detail.isShown]).toEqual([kind as never, true]);
        expect(reader.error?.detail.message).toMatch(message);
        expect(reader.usage).toMatchObject({ input: 10, output: 7, cacheRead: 20, cacheWrite: 0 });
      }
    });
  }

  test("comments are not shown, and what is no JSON is an error", () => {
    const reader = new ResponsesStream(PLACE);
    expect(reader.push(bytes(`: ping\n\n${event("response.created")}`))).toBe(latin(event("response.created")));
    expect(reader.push(bytes("event: response.created\ndata: {oops\n\n"))).toBe("");
    expect(reader.error?.kind).toBe("upstream_malformed");
  });
});

describe("a whole answer", () => {
  test("passes untouched, and its usage is read", () => {
    const text = `{ "object":"response", "output":[], "usage":${JSON.stringify(USAGE)}, "x":12345678901234567890 }`;
    const reader = new WholeResponse(PLACE, undefined);
    for (const byte of bytes(text)) reader.push(new Uint8Array([byte]));
    expect(reader.end()).toBe(text);
    expect(reader.usage).toEqual({ input: 10, output: 7, cacheRead: 20, cacheWrite: 0, cacheWriteHour: 0, reasoning: 3 });
  });

  test("that is no response is an error", () => {
    const reader = new WholeResponse(PLACE, undefined);
    reader.push(bytes('{"choices":[]}'));
    reader.end();
    expect(reader.error?.kind).toBe("upstream_malformed");
  });
});
