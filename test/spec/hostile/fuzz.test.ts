/**
 * Answers that no cloud ever sent, through readers, translations and the relay behind each other: mutated recordings, cut anywhere.
 * Whatever comes, the call ends, once, soon, and by a judgement of its reader: an error of ours (`internal`) is one that a guard had to catch.
 */
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { CallOperation, DialectName } from "../../../src/contract/dialect.ts";
import { chunkFrame, EVENTS, exceptionFrame, frame, recording } from "../../unit/workers/providers/frames.ts";
import { random as seeded } from "../../unit/workers/wire/http-answers.ts";
import { COMPLETION, MESSAGE } from "../recorder.ts";
import { CLOUDS, sceneOf } from "./scene.ts";

const CASES = 600;
const LONGEST_MS = 1_000;

/** What breaks parsers: escapes that are none, numbers that are none, names that every object has, depth, ends of lines and of texts. */
const ODD = [
  "\\q",
  "\\",
  '"',
  '\\"',
  "\\u12",
  "\\u0000",
  "\\ud800",
  "1e999",
  "-1",
  "1e400",
  "NaN",
  "null",
  "{}",
  "[]",
  "[[[[[[",
  "{{",
  "}",
  "]",
  ",",
  ":",
  "\n",
  "\r\n",
  "\n\n",
  "data: ",
  "event: x\n",
  "[DONE]",
  "__proto__",
  "constructor",
  "toString",
  '"type":5,',
  '"type":"text\\qdelta",',
  '"usage":{"input_tokens":1e999},',
  '"delta":null,',
  '"delta":[],',
  '"content":[null,5,{"type":"tool_use"}],',
  '"choices":[null],',
  '"choices":5,',
  "é",
  "\u0000",
  "\u2028",
  "9".repeat(400),
  " ".repeat(300),
  "too many tokens ".repeat(40),
  "[".repeat(3_000),
];
/** Events that are good JSON, or look like it, and mean nothing. */
const STRANGE = [
  '{"type":"content_block_delta","index":0,"delta":{"type":"text\\qdelta","text":"x"}}',
  '{"type":"content_block_delta","index":{"a":1},"delta":{"type":"input_json_delta","partial_json":"x"}}',
  '{"type":"content_block_start","index":0,"content_block":{"type":"tool\\u005fuse","id":5,"name":null,"input":[1]}}',
  '{"type":"message_delta","delta":{"stop_reason":"end\\_turn"},"usage":{"output_tokens":1e999}}',
  '{"type":"message_start"}',
  '{"type":"message_start","message":[]}',
  '{"type":"error"}',
  '{"type":"error","error":{"message":{"a":1}}}',
  '{"type":"toString"}',
  '{"type":"message_stop","amazon-bedrock-invocationMetrics":"x"}',
  "null",
  "5",
  '""',
  "",
];

const random = seeded(20261129);
const pick = <T>(all: readonly T[]): T => all[random(all.length)] as T;

function mutated(text: string): string {
  let changed = text;
  for (let rounds = random(4); rounds > 0; rounds--) {
    const at = random(changed.length + 1);
    const end = Math.min(changed.length, at + random(12));
    const put = [() => pick(ODD), () => "", () => changed.slice(at, end).repeat(2), () => String.fromCharCode(random(256))];
    changed = changed.slice(0, at) + pick(put)() + changed.slice(random(2) === 0 ? at : end);
  }
  return changed;
}

function mutatedBytes(bytes: Buffer): Buffer {
  if (random(4) !== 0 || bytes.length === 0) return bytes;
  const changed = Buffer.from(bytes);
  changed[random(changed.length)] = random(256);
  return changed;
}

/** One frame of a stream: nearly always with good checksums, or nothing behind them would be reached. */
function bedrockFrame(event: string): Buffer {
  const kinds = [
    () => chunkFrame(event),
    () => chunkFrame(event),
    () => chunkFrame(event),
    () => chunkFrame(event, mutated('"p":"abc"')),
    () => exceptionFrame(pick(["throttlingException", "x", "", "__proto__"]), mutated('{"message":"too many tokens, please wait"}')),
    () => frame({ ":event-type": "chunk", ":content-type": "application/json", ":message-type": "event" }, mutated('{"bytes":"e30="}')),
    () =>
      frame(
        { ":message-type": pick(["event", "error", "news"]), ":error-code": mutated("Internal#x:y"), ":event-type": "chunk" },
        mutated("{}"),
      ),
  ];
  return pick(kinds)();
}

function bedrockStream(): Buffer {
  const events = EVENTS.flatMap((event) => (random(6) === 0 ? [event, pick(STRANGE)] : random(6) === 0 ? [] : [event]));
  return mutatedBytes(Buffer.concat(events.map((event) => (random(3) === 0 ? bedrockFrame(mutated(event)) : chunkFrame(event)))));
}

const AZURE = recording("azure-stream.sse").toString("utf8");
const RESPONSES = ["response.created", "response.output_text.delta", "response.completed"]
  .map(
    (type) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, delta: "hi", response: { usage: { input_tokens: 3, output_tokens: 2 } } })}\n\n`,
  )
  .join("");
const RESPONSE = '{"id":"r","object":"response","output":[],"usage":{"input_tokens":3,"output_tokens":2}}';
const EMBEDDINGS = '{"object":"list","data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":3}}';

const text = (recorded: string) => () => mutatedBytes(Buffer.from(mutated(recorded)));
const WAYS: readonly [string, "azure" | "bedrock", DialectName, CallOperation, boolean, () => Buffer][] = [
  ["a Bedrock stream, native", "bedrock", "anthropic", "generate", true, bedrockStream],
  ["a Bedrock stream, translated", "bedrock", "unified", "generate", true, bedrockStream],
  ["a whole Bedrock answer, native", "bedrock", "anthropic", "generate", false, text(MESSAGE)],
  ["a whole Bedrock answer, translated", "bedrock", "unified", "generate", false, text(MESSAGE)],
  ["a count of Bedrock's", "bedrock", "anthropic", "count_tokens", false, text('{"inputTokens":12}')],
  ["an Azure stream", "azure", "openai", "generate", true, text(AZURE)],
  ["a whole Azure answer", "azure", "openai", "generate", false, text(COMPLETION)],
  ["a stream of responses", "azure", "openai", "responses", true, text(RESPONSES)],
  ["a whole response", "azure", "openai", "responses", false, text(RESPONSE)],
  ["embeddings", "azure", "openai", "embeddings", false, text(EMBEDDINGS)],
];

for (const [what, cloud, dialect, operation, stream, answer] of WAYS) {
  test(`${what}: ${CASES} mutated answers, cut anywhere, end once each, and none by an error of ours`, async () => {
    const ends = new Map<string, number>();
    for (let nth = 0; nth < CASES; nth++) {
      const scene = await sceneOf(CLOUDS[cloud], dialect, { operation, stream });
      const bytes = answer();
      const startedMs = performance.now();
      const status = random(12) === 0 ? pick([204, 301, 400, 401, 403, 413, 424, 429, 500, 503, 529]) : 200;
      scene.events.head(
        status,
        new Map([
          ["x-amzn-errortype", mutated("ThrottlingException:http://x/")],
          ["retry-after", pick(ODD)],
        ]),
      );
      for (let at = 0; at < bytes.length; ) {
        const end = Math.min(bytes.length, at + 1 + random(random(3) === 0 ? 8 : 600));
        // A view into memory that changes after the call, as a socket's is.
        const view = Uint8Array.from(bytes.subarray(at, end));
        scene.events.chunk(view);
        view.fill(0);
        at = end;
      }
      if (random(10) === 0) scene.events.fail({ reason: pick(["broken", "timeout", "malformed"]), text: "cut", beforeFirstByte: false });
      else scene.events.end();
      const end = scene.end();
      const tookMs = performance.now() - startedMs;
      if (end === undefined || end === "internal" || tookMs > LONGEST_MS)
        throw new Error(`answer ${nth} ended ${end} after ${tookMs} ms: ${scene.detail()}\n${bytes.toString("latin1").slice(0, 4_000)}`);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
    // Some are good and some are not, or nothing was tried.
    expect(ends.get("done")).toBeGreaterThan(0);
    if (operation !== "count_tokens") expect(ends.size).toBeGreaterThan(1);
  });
}
