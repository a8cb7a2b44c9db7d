/** The answers of the stand-in, made once, in the wire format of the clouds; and the text that a right answer must contain. */
import { chunkFrame } from "../src/sandbox/bedrock/frames.ts";

/** Number of text chunks in a stream. */
export const CHUNKS = 100;

/**
 * How the stand-in sends a stream. "turns": as fast as possible, but each chunk in its own write, and other streams write between two chunks, as on a server
 * that generates text. "whole": in one write, which the kernel delivers in one piece. A number: milliseconds between two chunks.
 */
export type Pace = "turns" | "whole" | number;

/** The pace for each model. The names of the models have the same length, because a gateway may repeat them in its answers, whose bytes are counted. */
export const PACES: Readonly<Record<string, Pace>> = {
  "gpt-4o-burst": "turns",
  "gpt-4o-whole": "whole",
  "gpt-4o-paced": 20,
  "gpt-4o-drips": 5_000,
  "claude-3-haiku-burst": "turns",
  "claude-3-haiku-whole": "whole",
  "claude-3-haiku-paced": 20,
  "claude-3-haiku-drips": 5_000,
};

const sentence = "the weir is low and the river runs over it, day by day. ";
const TEXTS = { short: sentence.repeat(29), long: sentence.repeat(3_560) };
/** Requests from this length on get a long answer. */
export const LONG_BYTES = 50_000;

export const textOf = (requestBytes: number): string => (requestBytes < LONG_BYTES ? TEXTS.short : TEXTS.long);
export const STREAMED_TEXT = Array.from({ length: CHUNKS }, (_, at) => ` word ${at}`).join("");

const message = (text: string) =>
  JSON.stringify({
    id: "msg_bdrk_bench",
    type: "message",
    role: "assistant",
    model: "claude",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 400, output_tokens: 420 },
  });

const completion = (text: string) =>
  JSON.stringify({
    choices: [{ finish_reason: "stop", index: 0, logprobs: null, message: { content: text, role: "assistant" } }],
    created: 1,
    id: "chatcmpl-bench",
    model: "gpt-4o",
    object: "chat.completion",
    usage: { completion_tokens: 420, prompt_tokens: 400, total_tokens: 820 },
  });

const usage = { input_tokens: 400, output_tokens: 1 };
const events = [
  {
    type: "message_start",
    message: { id: "msg_bdrk_bench", type: "message", role: "assistant", model: "claude", content: [], usage },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  ...Array.from({ length: CHUNKS }, (_, at) => ({
    type: "content_block_delta",
    index: 0,
    delta: { type: "text_delta", text: ` word ${at}` },
  })),
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: CHUNKS } },
  { type: "message_stop" },
];
const frames = events.map((event, at) => Buffer.from(chunkFrame(JSON.stringify(event), "abcdefghijklmnop".slice(0, at % 16))));

const chunk = (choices: unknown[], rest: object = { usage: null }) =>
  Buffer.from(
    `data: ${JSON.stringify({ choices, created: 1, id: "chatcmpl-bench", model: "gpt-4o", object: "chat.completion.chunk", ...rest })}\n\n`,
  );
const delta = (content: string, finish: string | null = null) => [{ delta: { content }, finish_reason: finish, index: 0, logprobs: null }];
const lines = [
  ...Array.from({ length: CHUNKS }, (_, at) => chunk(delta(` word ${at}`))),
  chunk(delta("", "stop")),
  chunk([], { usage: { completion_tokens: CHUNKS, prompt_tokens: 400, total_tokens: 400 + CHUNKS } }),
  Buffer.from("data: [DONE]\n\n"),
];

/** A stream on the wire: each event is one HTTP chunk, as the clouds send it. Events without a pause between them are one piece. */
export interface WireStream {
  head: Buffer;
  /** The first piece is sent with the head. Between two pieces there is a pause as long as the pace. The last piece ends the answer. */
  pieces: Buffer[];
  /** The whole stream at once. */
  whole: Buffer;
}

const framed = (bytes: Buffer) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

function wireStream(type: string, parts: Buffer[], before: number, after: number): WireStream {
  const head = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`);
  const all = parts.map(framed);
  const first = Buffer.concat(all.slice(0, before + 1));
  const last = Buffer.concat([...all.slice(all.length - after - 1), Buffer.from("0\r\n\r\n")]);
  const pieces = [first, ...all.slice(before + 1, all.length - after - 1), last];
  return { head, pieces, whole: Buffer.concat([head, ...pieces]) };
}

const whole = (json: string) =>
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);

export interface WireAnswers {
  short: Buffer;
  long: Buffer;
  stream: WireStream;
}

export const WIRE: Readonly<Record<"bedrock" | "azure", WireAnswers>> = {
  // The events before the text are sent with its first chunk, and those after it with its last.
  bedrock: {
    short: whole(message(TEXTS.short)),
    long: whole(message(TEXTS.long)),
    stream: wireStream("application/vnd.amazon.eventstream", frames, 2, 3),
  },
  azure: {
    short: whole(completion(TEXTS.short)),
    long: whole(completion(TEXTS.long)),
    stream: wireStream("text/event-stream", lines, 0, 3),
  },
};
