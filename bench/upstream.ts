/**
 * An upstream so cheap that it is never the bottleneck: answers made once, in the clouds' own framing, no checks. Prints its port.
 * `POST /model/{id}/invoke[-with-response-stream]` and `POST /openai/v1/chat/completions` (streams where the body says so).
 */
import { chunkFrame } from "../src/sandbox/bedrock-frames.ts";

/** Chunks of text in a stream. */
const CHUNKS = 100;
const TEXT = "the weir is low and the river runs over it, day by day. ".repeat(32);

const message = JSON.stringify({
  id: "msg_bdrk_bench",
  type: "message",
  role: "assistant",
  model: "claude",
  content: [{ type: "text", text: TEXT }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 400, output_tokens: 420 },
});
const completion = JSON.stringify({
  choices: [{ finish_reason: "stop", index: 0, logprobs: null, message: { content: TEXT, role: "assistant" } }],
  created: 1,
  id: "chatcmpl-bench",
  model: "gpt-4o",
  object: "chat.completion",
  usage: { completion_tokens: 420, prompt_tokens: 400, total_tokens: 820 },
});

const usage = { input_tokens: 400, output_tokens: 1 };
const start = {
  type: "message_start",
  message: { id: "msg_bdrk_bench", type: "message", role: "assistant", model: "claude", content: [], usage },
};
const events = [
  start,
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
const frames = Buffer.concat(events.map((event, at) => chunkFrame(JSON.stringify(event), "abcdefghijklmnop".slice(0, at % 16))));

const chunk = (choices: unknown[], rest: object = { usage: null }) =>
  `data: ${JSON.stringify({ choices, created: 1, id: "chatcmpl-bench", model: "gpt-4o", object: "chat.completion.chunk", ...rest })}\n\n`;
const delta = (content: string, finish: string | null = null) => [{ delta: { content }, finish_reason: finish, index: 0, logprobs: null }];
const sse = Buffer.from(
  [
    ...Array.from({ length: CHUNKS }, (_, at) => chunk(delta(` word ${at}`))),
    chunk(delta("", "stop")),
    chunk([], { usage: { completion_tokens: CHUNKS, prompt_tokens: 400, total_tokens: 400 + CHUNKS } }),
    "data: [DONE]\n\n",
  ].join(""),
);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/invoke-with-response-stream")) {
      await request.arrayBuffer();
      return new Response(frames, { headers: { "content-type": "application/vnd.amazon.eventstream" } });
    }
    if (pathname.endsWith("/invoke")) {
      await request.arrayBuffer();
      return new Response(message, { headers: { "content-type": "application/json" } });
    }
    const isStream = (await request.text()).includes('"stream":true');
    return isStream
      ? new Response(sse, { headers: { "content-type": "text/event-stream" } })
      : new Response(completion, { headers: { "content-type": "application/json" } });
  },
});
process.stdout.write(`${JSON.stringify({ message: "listening", port: server.port })}\n`);
