import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { BedrockStream, bedrockAnswer } from "../../../../../workers/providers/bedrock/reader.ts";
import { chunkFrame, EVENTS, everyCut, exceptionFrame, frame, readAll } from "../frames.ts";

const PLACE = { upstream: "bedrock-eu", upstreamModel: "eu.anthropic.claude" };
const stream = (isFast = true) => new BedrockStream(PLACE, "my-claude", undefined, isFast);
const RECORDED = Buffer.concat(EVENTS.map((event) => chunkFrame(event)));
const USAGE = { input: 21, output: 9, cacheRead: 5, cacheWrite: 3, cacheWriteHour: 0, reasoning: 0 };

const SHOWN = EVENTS.map((event) => {
  const value = JSON.parse(event);
  if (value.type === "message_start") value.message.model = "my-claude";
  delete value["amazon-bedrock-invocationMetrics"];
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}).join("");

test("a stream is the dialect's events, with the client's model name and without Bedrock's metrics", () => {
  expect(readAll(stream(), RECORDED)).toEqual({ text: SHOWN, kind: undefined, complete: true, usage: USAGE });
});

test("a stream cut in two anywhere, or sent byte by byte, is the same stream", () => {
  const whole = readAll(stream(), RECORDED);
  for (const chunks of everyCut(RECORDED)) expect(readAll(stream(), ...chunks)).toEqual(whole);
  expect(readAll(stream(), ...Array.from(RECORDED, (byte) => Uint8Array.of(byte)))).toEqual(whole);
});

test("a stream that ends before message_stop is never complete, wherever it ends", () => {
  for (let length = 0; length < RECORDED.length; length += 7) {
    const { kind, complete, text } = readAll(stream(), RECORDED.subarray(0, length));
    expect({ kind, complete }).toEqual({ kind: "upstream_malformed", complete: false });
    expect(SHOWN.startsWith(text)).toBe(true);
  }
});

test("a corrupted frame ends the stream, and what was good before it has been relayed", () => {
  const bytes = Buffer.from(RECORDED);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
  const { text, kind } = readAll(stream(), bytes);
  expect(kind).toBe("upstream_malformed");
  expect(text).toContain("message_delta");
  expect(text).not.toContain("event: message_stop");
});

test.each([
  ["throttlingException", "upstream_rate_limited"],
  ["serviceUnavailableException", "upstream_overloaded"],
  ["modelTimeoutException", "upstream_timeout"],
  ["validationException", "upstream_rejected"],
  ["internalServerException", "upstream_failed"],
  ["modelStreamErrorException", "upstream_failed"],
  ["somethingNewException", "upstream_failed"],
])("the exception frame %s is %s", (name, kind) => {
  expect(readAll(stream(), exceptionFrame(name, '{"message":"Zu früh"}'))).toMatchObject({ kind, text: "", complete: false });
  const reader = stream();
  const result = readAll(reader, RECORDED.subarray(0, chunkFrame(EVENTS[0] ?? "").length), exceptionFrame(name, '{"message":"Zu früh"}'));
  expect(result.kind).toBe(kind as never);
  expect(result.complete).toBe(false);
  expect(result.text).toStartWith("event: message_start\n");
  expect(reader.error?.message).toBe("Zu früh");
});

test("an error frame and an error among the events end the stream", () => {
  const unmodelled = frame({ ":message-type": "error", ":error-code": "InternalFailure", ":error-message": "oops" }, "");
  expect(readAll(stream(), unmodelled).kind).toBe("upstream_failed");
  const event = chunkFrame('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}');
  expect(readAll(stream(), event)).toMatchObject({ kind: "upstream_overloaded", text: "", complete: false });
});

test("an event frame of a new kind is ignored, any other frame of a new kind is an error", () => {
  const news = frame({ ":message-type": "event", ":event-type": "initial-response" }, "{}");
  expect(readAll(stream(), news, RECORDED).complete).toBe(true);
  expect(readAll(stream(), frame({ ":message-type": "news" }, "{}")).kind).toBe("upstream_malformed");
});

test.each([
  ['{"bytes":5}'],
  ["{}"],
  ["not json"],
  [`{"bytes":"${Buffer.from("not json").toString("base64")}"}`],
  [`{"bytes":"${Buffer.from('{"type":"a\\nb"}').toString("base64")}"}`],
])("the payload %s is refused", (payload) => {
  for (const isFast of [true, false]) {
    const bytes = frame({ ":event-type": "chunk", ":content-type": "application/json", ":message-type": "event" }, payload);
    expect(readAll(stream(isFast), bytes)).toMatchObject({ kind: "upstream_malformed", text: "" });
  }
});

test("line breaks between an event's tokens do not end its data", () => {
  const pretty =
    '{\n  "type": "content_block_delta",\r\n  "index": 12345678901234567890,\n "delta": {"type":"text_delta","text":"a\\nb"}\n}';
  const { text } = readAll(stream(), chunkFrame(pretty));
  expect(text.split("\n")).toHaveLength(4);
  expect(text).toContain("12345678901234567890");
});

test("Bedrock's own counts are used where the events have none", () => {
  const older = EVENTS.map((event) => event.replace(/"input_tokens":21,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,/, ""));
  expect(readAll(stream(), ...older.map((event) => chunkFrame(event))).usage).toEqual({
    input: 29,
    output: 9,
    cacheRead: 0,
    cacheWrite: 0,
    cacheWriteHour: 0,
    reasoning: 0,
  });
});

test("the placeholder of a message_start is not counted as output", () => {
  expect(readAll(stream(), chunkFrame(EVENTS[0] ?? "")).usage.output).toBe(0);
});

test("a model name beyond ASCII is right in the bytes", () => {
  const { text } = readAll(new BedrockStream(PLACE, "größe-你", undefined, true), chunkFrame(EVENTS[0] ?? ""));
  expect(JSON.parse(text.split("data: ")[1] ?? "").message.model).toBe("größe-你");
});

test("the fast path and the parsing path agree on random streams", () => {
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const texts = ["hi", '\\"type\\":\\"message_stop\\"', "Grüße", "\\u4f60", "a\\\\", "\\n", "/".repeat(30)];
  const paddings = ["", '"p":""', '"p":"abc"', '"p":"a\\"b"', '"q":1', '"p":"x","bytes":"e30="'];
  for (let round = 0; round < 200; round++) {
    const frames = [chunkFrame(EVENTS[0] ?? "")];
    for (let count = random(8); count > 0; count--) {
      const text = texts[random(texts.length)];
      const events = [
        `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${text}"}}`,
        `{"index":0,"type":"content_block_delta","delta":{"text":"${text}"}}`,
        `{"type":"new_event","text":"${text}"}`,
        `{ "type": "ping" }`,
        EVENTS[5] ?? "",
      ];
      frames.push(chunkFrame(events[random(events.length)] ?? "", random(3) === 0 ? paddings[random(paddings.length)] : undefined));
    }
    if (random(2) === 0) frames.push(chunkFrame(EVENTS[6] ?? ""));
    const bytes = Buffer.concat(frames);
    const cut = random(bytes.length);
    expect(readAll(stream(true), bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(readAll(stream(false), bytes));
  }
});

const ANSWER =
  '{"id":"msg_bdrk_1","type":"message","big":12345678901234567890,"model":"claude-3-haiku-20240307","content":[{"type":"text","text":"\\"model\\" Grüße"}],"usage":{"input_tokens":7,"output_tokens":11,"cache_read_input_tokens":2}}';

test("a whole answer has the client's model name and is otherwise the bytes that came, cut anywhere", () => {
  const expected = {
    text: ANSWER.replace('"claude-3-haiku-20240307"', '"my-claude"'),
    kind: undefined,
    complete: true,
    usage: { input: 7, output: 11, cacheRead: 2, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 },
  };
  for (const chunks of everyCut(Buffer.from(ANSWER))) expect(readAll(bedrockAnswer(PLACE, "my-claude"), ...chunks)).toEqual(expected);
});

test.each(["", "[]", "null", "{}", ANSWER.slice(0, -1), `${ANSWER}x`])("a whole answer that is no message is refused: %#", (body) => {
  expect(readAll(bedrockAnswer(PLACE, "m"), Buffer.from(body))).toMatchObject({ kind: "upstream_malformed", text: "", complete: false });
});

test("an answer without an end is refused", () => {
  const reader = bedrockAnswer(PLACE, "m");
  const piece = Buffer.alloc(16 * 1024 * 1024, 0x20);
  for (let count = 0; count < 5; count++) reader.push(piece);
  expect(reader.error?.kind).toBe("upstream_malformed");
});

test("the counts of a message_delta are cumulative and win over what came before", () => {
  const delta = (usage: object) => chunkFrame(JSON.stringify({ type: "message_delta", delta: {}, usage }));
  const counts = { input_tokens: 40, cache_read_input_tokens: 5, cache_creation_input_tokens: 6 };
  const frames = [chunkFrame(EVENTS[0] ?? ""), delta({ output_tokens: 3 }), delta({ ...counts, output_tokens: 12 })];
  expect(readAll(stream(), ...frames).usage).toEqual({
    input: 40,
    output: 12,
    cacheRead: 5,
    cacheWrite: 6,
    cacheWriteHour: 0,
    reasoning: 0,
  });
});

test.each([
  ['{"type":"text_delta","text":"Hello there"}', 11],
  ['{"type":"text_delta","text":"a \\"b\\": \\\\"}', 11],
  ['{"type":"input_json_delta","partial_json":"{\\"a\\":\\"b\\"}"}', 13],
  ['{"type":"thinking_delta","thinking":"hmm"}', 3],
  ['{"type":"signature_delta","signature":"RXJyb3I="}', 0],
])("of the delta %s the model wrote %d bytes", (delta, bytes) => {
  for (const isFast of [true, false]) {
    const reader = stream(isFast);
    reader.push(chunkFrame(`{"type":"content_block_delta","index":0,"delta":${delta}}`));
    expect(reader.written).toBe(bytes);
  }
});

describe("tokens with a special price", () => {
  const usage = {
    input_tokens: 21,
    cache_creation_input_tokens: 10,
    cache_read_input_tokens: 5,
    cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 7 },
    output_tokens: 9,
    output_tokens_details: { thinking_tokens: 4 },
  };
  const expected = { input: 21, output: 9, cacheRead: 5, cacheWrite: 10, cacheWriteHour: 7, reasoning: 4 };

  test("cache writes for an hour and thinking are read from a stream that reports them at its beginning, at its end, or at both", () => {
    const delta = (counts: object) => JSON.stringify({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: counts });
    const start = (counts: object) => JSON.stringify({ type: "message_start", message: { id: "m", role: "assistant", usage: counts } });
    const { output_tokens, output_tokens_details, ...input } = usage;
    for (const events of [
      [start(usage), delta(usage)],
      [start({ ...input, output_tokens: 1 }), delta({ output_tokens, output_tokens_details })],
      [start({ output_tokens: 1 }), delta(usage)],
    ])
      expect(readAll(stream(), ...events.map((event) => chunkFrame(event))).usage).toEqual(expected);
  });

  test("a part that an upstream reports is never larger than its whole", () => {
    const odd = { ...usage, cache_creation: { ephemeral_1h_input_tokens: 70 } };
    const start = JSON.stringify({ type: "message_start", message: { id: "m", role: "assistant", usage: odd } });
    expect(readAll(stream(), chunkFrame(start)).usage.cacheWriteHour).toBe(10);
  });
});
