/** What readers count of a stream that never reports its usage: the model's text, and not the JSON around it. */

import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { AzureStream, azureAnswer } from "../../../workers/providers/azure/chat-reader.ts";
import { WholeResponse } from "../../../workers/providers/azure/responses-reader.ts";
import { BedrockStream, bedrockAnswer } from "../../../workers/providers/bedrock/reader.ts";
import type { Reader } from "../../../workers/providers/provider.ts";
import { usedTokens } from "../../../workers/used.ts";
import { chunkFrame } from "../../unit/workers/providers/frames.ts";

function written(reader: Reader, pieces: readonly Uint8Array[]): number {
  for (const piece of pieces) reader.push(piece);
  expect(reader.error).toBeUndefined();
  return reader.written;
}

describe("of a Bedrock stream", () => {
  const delta = (fields: object) => chunkFrame(JSON.stringify({ type: "content_block_delta", index: 0, delta: fields }));
  const START = chunkFrame(
    JSON.stringify({
      type: "message_start",
      message: { id: "m", type: "message", content: [], usage: { input_tokens: 3, output_tokens: 1 } },
    }),
  );
  const cases: [string, object, number][] = [
    ["text", { type: "text_delta", text: "0123456789" }, 10],
    ["text beyond ASCII, by its bytes", { type: "text_delta", text: "日本" }, 6],
    ["text that looks like JSON, as JSON writes it", { type: "text_delta", text: '{"a":"b"}' }, 13],
    ["a tool's arguments", { type: "input_json_delta", partial_json: "12345" }, 5],
    ["thoughts", { type: "thinking_delta", thinking: "12345678" }, 8],
    ["no text", { type: "text_delta", text: "" }, 0],
    ["no signature", { type: "signature_delta", signature: "A".repeat(2_000) }, 0],
  ];
  for (const [what, fields, bytes] of cases) {
    test(`${what}: ${bytes} bytes, the fast way and the long way`, () => {
      for (const isFast of [true, false])
        expect(written(new BedrockStream({ upstream: "u", upstreamModel: "m" }, "claude", undefined, isFast), [START, delta(fields)])).toBe(
          bytes,
        );
    });
  }
});

describe("of an Azure stream", () => {
  const FILTERS = { hate: { filtered: false, severity: "safe" }, violence: { filtered: false, severity: "safe" } };
  const chunk = (delta: object) =>
    Buffer.from(
      `data: ${JSON.stringify({ choices: [{ content_filter_results: FILTERS, delta, finish_reason: null, index: 0, logprobs: null }], created: 1, id: "chatcmpl-1", model: "gpt-4o", object: "chat.completion.chunk", usage: null })}\n\n`,
    );
  const cases: [string, object, number][] = [
    ["text", { content: "0123456789" }, 10],
    ["text beyond ASCII, by its bytes", { content: "日本" }, 6],
    ["text that looks like JSON, as JSON writes it", { content: '{"content":"b"}' }, 19],
    ["a tool's arguments", { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: '{"a"' } }] }, 6],
    ["a refusal", { content: null, refusal: "I cannot" }, 8],
    ["no role", { content: "", role: "assistant" }, 0],
    ["no end", {}, 0],
  ];
  for (const [what, delta, bytes] of cases) {
    test(`${what}: ${bytes} bytes, the fast way and the long way`, () => {
      for (const isFast of [true, false])
        expect(written(new AzureStream({ upstream: "u", deployment: "d" }, false, isFast), [chunk(delta)])).toBe(bytes);
    });
  }
});

describe("of a whole answer that is left just before its end", () => {
  const place = { upstream: "u", upstreamModel: "m", deployment: "d" };
  for (const [what, reader] of [
    ["Bedrock's", bedrockAnswer(place, "claude")],
    ["Azure's", azureAnswer(place)],
    ["a response", new WholeResponse(place, undefined)],
  ] as const) {
    test(`${what}: what was read of it counts as output, and the input as it was estimated`, () => {
      expect(written(reader, [Buffer.from(`{"content":"${"x".repeat(3_000)}`), Buffer.from("y".repeat(488))])).toBe(3_500);
      expect(usedTokens(reader, 70, false)).toMatchObject({ input: 70, output: 1_000 });
    });
  }
});
