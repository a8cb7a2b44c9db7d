/**
 * An upstream that keeps what it was sent, byte for byte, and answers with fixed bytes: for what must pass through untouched in both directions.
 * The sandbox parses what it is sent, so it cannot tell.
 */

import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chunkFrame } from "../unit/workers/providers/frames.ts";

export interface Recorded {
  path: string;
  headers: Record<string, string>;
  /** The body as it came. */
  body: string;
}

export interface Recorder {
  url: string;
  /** The last request; throws where there was none. */
  last(): Recorded;
  /** Every request so far, oldest first. */
  all(): readonly Recorded[];
  /** Answers the next request with these bytes, in place of the usual ones. */
  answerNext(type: string, text: string): void;
  close(): void;
}

/** Members that no version of Weir knows, spelled in ways that rebuilding would change. */
export const ODD_MEMBERS =
  '"x_future" :  { "big":12345678901234567890, "tiny":1.10e-7 ,"text":"caf\\u00e9 é 日本 😀 \\/", "nothing":null }';

/** Whole answers, with such members. */
export const MESSAGE = `{"id":"msg_bdrk_1","type":"message", "role":"assistant","model":"claude-3-haiku-20240307","content":[{"type":"text","text":"é 😀"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}, ${ODD_MEMBERS}}`;
export const COMPLETION = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000, "model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"é 😀","refusal":null},"finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}, ${ODD_MEMBERS}}`;

const RESPONSE = `{"id":"resp_1","object":"response","created_at":1700000000, "status":"completed","model":"gpt-4o-2024-08-06","output":[],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}, ${ODD_MEMBERS}}`;
const EMBEDDINGS = `{"object":"list","data":[],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`;

/** One event of a stream, of a type that no version of Weir knows. */
export const ODD_EVENT = `{"type":"x_future_event", ${ODD_MEMBERS}}`;
const MESSAGE_EVENTS = [
  `{"type":"message_start","message":{"id":"msg_bdrk_1","type":"message","role":"assistant","model":"claude-3-haiku-20240307","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`,
  ODD_EVENT,
  `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}`,
  `{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":2,"invocationLatency":5,"firstByteLatency":4}}`,
];

/** One chunk of a stream, with such members. */
export const ODD_CHUNK = `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"é 😀"},"finish_reason":null}], ${ODD_MEMBERS}}`;
const CHUNKS = [
  ODD_CHUNK,
  `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
  "[DONE]",
];

function answerTo({ path, body }: Recorded): { type: string; bytes: Uint8Array } {
  if (path.endsWith("/invoke-with-response-stream"))
    return { type: "application/vnd.amazon.eventstream", bytes: Buffer.concat(MESSAGE_EVENTS.map((event) => chunkFrame(event))) };
  if (path.endsWith("/invoke")) return { type: "application/json", bytes: Buffer.from(MESSAGE) };
  if (path.endsWith("/count-tokens")) return { type: "application/json", bytes: Buffer.from('{"inputTokens":3}') };
  if (path.endsWith("/embeddings")) return { type: "application/json", bytes: Buffer.from(EMBEDDINGS) };
  const isStream = /"stream"\s*:\s*true/.test(body);
  if (path.endsWith("/responses") || path.endsWith("/compact")) {
    if (!isStream) return { type: "application/json", bytes: Buffer.from(RESPONSE) };
    const last = `event: response.completed\ndata: {"type":"response.completed","sequence_number":0,"response":${RESPONSE}}\n\n`;
    return { type: "text/event-stream", bytes: Buffer.from(last) };
  }
  if (isStream) return { type: "text/event-stream", bytes: Buffer.from(CHUNKS.map((chunk) => `data: ${chunk}\n\n`).join("")) };
  return { type: "application/json", bytes: Buffer.from(COMPLETION) };
}

/** @param port - 0: any that is free. */
export async function startRecorder(port = 0): Promise<Recorder> {
  const recorded: Recorded[] = [];
  const wanted: { type: string; bytes: Uint8Array }[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (bytes: Buffer) => parts.push(bytes));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const one = { path: request.url ?? "", headers, body: Buffer.concat(parts).toString("utf8") };
      recorded.push(one);
      const { type, bytes } = wanted.shift() ?? answerTo(one);
      response.writeHead(200, { "content-type": type }).end(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    last() {
      const last = recorded.at(-1);
      if (last === undefined) throw new Error("the recorder was sent nothing");
      return last;
    },
    all: () => recorded,
    answerNext(type, text) {
      wanted.push({ type, bytes: Buffer.from(text, "utf8") });
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
