import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { AzureStream, azureAnswer } from "../../../../../workers/providers/azure/chat-reader.ts";
import { everyCut, readAll, recording } from "../frames.ts";

const PLACE = { upstream: "azure-eu", deployment: "gpt-4o-prod" };
const RECORDED = recording("azure-stream.sse");
const USAGE = { input: 15, output: 7, cacheRead: 4, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 };
const stream = (asked = false, isFast = true) => new AzureStream(PLACE, asked, isFast);

/** The chunks a client reads. */
function chunks(text: string) {
  return text
    .split("\n\n")
    .filter((event) => event !== "" && event !== "data: [DONE]")
    .map((event) => JSON.parse(event.replace(/^data: /, "")));
}

test("a client that did not ask sees no usage and no chunk without choices", () => {
  const { text, kind, complete, usage } = readAll(stream(), RECORDED);
  expect({ kind, complete, usage }).toEqual({ kind: undefined, complete: true, usage: USAGE });
  expect(text).toEndWith("data: [DONE]\n\n");
  expect(text).not.toContain('"usage":{');
  expect(chunks(text).every((chunk) => chunk.choices.length > 0 && !("usage" in chunk))).toBe(true);
  expect(chunks(text).every((chunk) => chunk.choices.every((choice: object) => "delta" in choice))).toBe(true);
  expect(
    chunks(text)
      .map((chunk) => chunk.choices[0].delta.content ?? "")
      .join(""),
  ).toBe('Grüße "usage": 你');
});

test("a client that asked sees the usage, and the ordinary chunks byte for byte", () => {
  const { text, usage } = readAll(stream(true), RECORDED);
  expect(usage).toEqual(USAGE);
  expect(chunks(text).at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 26 } });
  const events = RECORDED.toString("utf8").split("\n\n");
  for (const index of [1, 2, 4]) expect(text).toContain(`${events[index]}\n\n`);
});

test.each([false, true])("a stream cut in two anywhere, or sent byte by byte, is the same stream (usage asked for: %p)", (asked) => {
  const whole = readAll(stream(asked), RECORDED);
  for (const pieces of everyCut(RECORDED)) expect(readAll(stream(asked), ...pieces)).toEqual(whole);
  expect(readAll(stream(asked), ...Array.from(RECORDED, (byte) => Uint8Array.of(byte)))).toEqual(whole);
});

test("a stream that ends before [DONE] is never complete, wherever it ends", () => {
  const done = RECORDED.indexOf("data: [DONE]\n\n");
  for (let length = 0; length < done + 14; length += 5) {
    const { kind, complete } = readAll(stream(), RECORDED.subarray(0, length));
    expect({ kind, complete }).toEqual({ kind: "upstream_malformed", complete: false });
  }
});

test("carriage returns and comments do no harm", () => {
  const crlf = Buffer.from(`: hello\n\n${RECORDED.toString("utf8")}`.replaceAll("\n", "\r\n"));
  for (const pieces of everyCut(crlf)) {
    const { text, usage, complete } = readAll(stream(), ...pieces);
    expect({ usage, complete }).toEqual({ usage: USAGE, complete: true });
    expect(chunks(text.replaceAll("\r\n", "\n"))).toEqual(chunks(readAll(stream(), RECORDED).text));
  }
});

test.each([
  ['{"error":{"code":"429","message":"slow down"}}', "upstream_rate_limited"],
  ['{"error":{"code":"rate_limit_exceeded","message":"slow down"}}', "upstream_rate_limited"],
  ['{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}', "upstream_failed"],
  ['{"choices":[{"index":0,"delta":{},"finish_reason":null}],"error":{"message":"late"}}', "upstream_failed"],
  ["{not json", "upstream_malformed"],
  ["[1]", "upstream_malformed"],
])("the event %s ends the stream as %s", (data, kind) => {
  for (const isFast of [true, false]) {
    const good = RECORDED.toString("utf8").split("\n\n")[1];
    const result = readAll(stream(false, isFast), Buffer.from(`${good}\n\ndata: ${data}\n\ndata: [DONE]\n\n`));
    expect(result).toMatchObject({ kind, complete: false });
    expect(chunks(result.text)).toHaveLength(1);
  }
});

// The last chunk of "Sample response stream", learn.microsoft.com, Azure OpenAI, content streaming (asynchronous filter).
const LAST_WORD =
  '{"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":"content_filter","content_filter_results":{"protected_material_text":{"detected":true,"filtered":true}},"content_filter_offsets":{"check_offset":65,"start_offset":65,"end_offset":1056}}],"usage":null}';

test.each([true, false])(
  "the asynchronous filter's last chunk reaches the client as a chunk of the same answer (fast path: %p)",
  (isFast) => {
    const ordinary = RECORDED.toString("utf8").split("\n\n")[2] ?? "";
    const { text, complete } = readAll(stream(false, isFast), Buffer.from(`${ordinary}\n\ndata: ${LAST_WORD}\n\ndata: [DONE]\n\n`));
    const [first, last] = chunks(text);
    expect(complete).toBe(true);
    expect(last.choices[0]).toMatchObject({ index: 0, delta: {}, finish_reason: "content_filter" });
    for (const name of ["id", "object", "created", "model"]) expect(last[name]).toBe(first[name]);
    expect("usage" in last).toBe(false);
  },
);

test("the filter's last chunk alone is passed on as it came, with an empty delta", () => {
  const { text } = readAll(stream(true), Buffer.from(`data: ${LAST_WORD}\n\ndata: [DONE]\n\n`));
  expect(chunks(text)[0]).toEqual({ ...JSON.parse(LAST_WORD), choices: [{ ...JSON.parse(LAST_WORD).choices[0], delta: {} }] });
});

test("white space after the data does no harm", () => {
  const spaced = Buffer.from(RECORDED.toString("utf8").replaceAll("\n\n", " \n\n"));
  const { text, ...rest } = readAll(stream(), spaced);
  const { text: plain, ...same } = readAll(stream(), RECORDED);
  expect(rest).toEqual(same);
  expect(chunks(text)).toEqual(chunks(plain));
});

test.each([
  ['{"content":"Hello"}', 5],
  ['{"content":""}', 0],
  ['{"content":null,"role":"assistant"}', 0],
  ['{"content":"a \\"b\\": c"}', 10],
  ['{"refusal":"I can not"}', 9],
  ['{"reasoning_content":"hmm"}', 3],
  ['{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"look_up","arguments":""}}]}', 0],
  ['{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\":"}}]}', 7],
])("of the delta %s the model wrote %d bytes", (delta, bytes) => {
  for (const isFast of [true, false])
    for (const usage of ["", ',"usage":null']) {
      const reader = stream(false, isFast);
      const verdict = '"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}';
      reader.push(Buffer.from(`data: {"choices":[{${verdict},"delta":${delta},"index":0}],"id":"c","model":"m"${usage}}\n\n`));
      expect([isFast, usage, reader.written]).toEqual([isFast, usage, bytes]);
    }
});

test("an endless event is refused", () => {
  const reader = stream();
  for (let count = 0; count < 9 && reader.error === undefined; count++) reader.push(Buffer.alloc(1024 * 1024, "x"));
  expect(reader.error?.kind).toBe("upstream_malformed");
});

test("the fast path and the parsing path give the client the same on random streams", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const contents = ["hi", "Grüße", '\\"usage\\":null', ',\\"usage\\":null,', "error", "usage", '\\"choices\\":[]', "\\n\\n", "data: x"];
  const usages = ["", ',"usage":null', ',"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}', ', "usage": null'];
  const events = RECORDED.toString("utf8").split("\n\n").slice(0, 6);
  for (let round = 0; round < 300; round++) {
    const picked: string[] = [];
    for (let count = 1 + random(6); count > 0; count--) {
      const content = contents[random(contents.length)];
      const usage = usages[random(usages.length)];
      const chunk = `{"choices":[{"delta":{"content":"${content}"},"finish_reason":null,"index":0}],"id":"c"${usage}${random(2) ? ',"obfuscation":"x"' : ""}}`;
      picked.push(random(3) === 0 ? (events[random(events.length)] ?? "") : `data: ${chunk}`);
    }
    if (random(3) > 0) picked.push("data: [DONE]");
    const bytes = Buffer.from(`${picked.join("\n\n")}\n\n`);
    const cut = random(bytes.length);
    const asked = random(2) === 0;
    const fast = readAll(stream(asked, true), bytes.subarray(0, cut), bytes.subarray(cut));
    const slow = readAll(stream(asked, false), bytes);
    // White space may differ, because the two paths remove the usage in different ways.
    expect({ ...fast, text: chunks(fast.text) }).toEqual({ ...slow, text: chunks(slow.text) });
    expect(fast.text.endsWith("data: [DONE]\n\n")).toBe(slow.text.endsWith("data: [DONE]\n\n"));
  }
});

const ANSWER =
  '{"choices":[{"message":{"content":"Grüße"}}],"big":12345678901234567890,"usage":{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":4}}}';

test("a whole answer is passed on as it came, cut anywhere, and its usage is read", () => {
  const expected = {
    text: ANSWER,
    kind: undefined,
    complete: true,
    usage: { input: 5, output: 3, cacheRead: 4, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 },
  };
  for (const pieces of everyCut(Buffer.from(ANSWER))) expect(readAll(azureAnswer(PLACE), ...pieces)).toEqual(expected);
  expect(readAll(azureAnswer(PLACE), Buffer.from(ANSWER.slice(0, -1)))).toMatchObject({ kind: "upstream_malformed", text: "" });
});
