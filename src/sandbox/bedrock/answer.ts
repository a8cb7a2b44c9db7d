/**
 * Writes an answer as a message of Anthropic, whole or as the events of a stream. Sources: platform.claude.com/docs (Messages, streaming); github
 * boto/botocore, bedrock-runtime service-2.json; the types of @anthropic-ai/sdk 1.12.
 */

import type { Frame } from "../delivery.ts";
import type { JsonObject } from "../json.ts";
import { type Answer, joined, type Part } from "../model/answer.ts";
import type { Seal } from "../seal.ts";
import type { CacheUsage } from "./cache.ts";
import type { FrameCache } from "./frames.ts";

export interface AnswerUsage {
  /** Input tokens without those that the cache read or wrote. */
  input: number;
  output: number;
  cached: CacheUsage | undefined;
}

/** What an answer shows beside its parts. */
export interface Shown {
  id: string;
  model: string;
  hideThinking: boolean;
  /** Signs thoughts, so that a client must send them back unchanged. */
  seal: Seal;
  nextId(): string;
}

const STOP_REASONS = { end: "end_turn", length: "max_tokens", stop: "stop_sequence", call: "tool_use", filter: "refusal" } as const;

function usageFields(usage: AnswerUsage, output: number, thinking?: number): JsonObject {
  const { read, write5m, write1h } = usage.cached ?? { read: 0, write5m: 0, write1h: 0 };
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: write5m + write1h,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: write5m, ephemeral_1h_input_tokens: write1h },
    output_tokens: output,
    output_tokens_details: thinking === undefined ? null : { thinking_tokens: thinking },
  };
}

function message(shown: Shown, fields: JsonObject): JsonObject {
  return { model: shown.model, id: shown.id, type: "message", role: "assistant", ...fields };
}

export function messageOfAnswer(answer: Answer, usage: AnswerUsage, shown: Shown): JsonObject {
  return message(shown, {
    content: answer.parts.map((part) => block(part, shown)),
    stop_reason: STOP_REASONS[answer.end],
    stop_sequence: answer.stopSequence ?? null,
    usage: usageFields(usage, usage.output, answer.thinkingTokens),
  });
}

function block(part: Part, shown: Shown): JsonObject {
  switch (part.kind) {
    case "thinking": {
      const thinking = shown.hideThinking ? "" : joined(part);
      return { type: "thinking", thinking, signature: shown.seal.of(thinking) };
    }
    case "text":
      return { type: "text", text: joined(part) };
    case "call":
      return { type: "tool_use", id: `toolu_bdrk_${shown.nextId()}`, name: part.name, input: parsed(joined(part)) };
  }
}

/** The arguments of a call. Those that `max_tokens` has cut are no JSON; then the service shows an empty object. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const DELTAS: Record<Part["kind"], { type: string; field: string }> = {
  thinking: { type: "thinking_delta", field: "thinking" },
  text: { type: "text_delta", field: "text" },
  call: { type: "input_json_delta", field: "partial_json" },
};

/**
 * The events of the answer as frames.
 * @param members makes the members that are added to each event; the last event may have more of them
 */
export function* answerFrames(
  answer: Answer,
  usage: AnswerUsage,
  shown: Shown,
  frames: FrameCache,
  members: (isLast: boolean) => JsonObject = () => ({}),
): Iterable<Frame> {
  const began = performance.now();
  let index = 0;
  const frame = (step: Frame["step"], event: JsonObject): Frame => ({
    step,
    bytes: frames.chunk(JSON.stringify({ ...event, ...members(step === "end") }), index++),
  });

  const start = message(shown, {
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageFields(usage, Math.min(1, usage.output)),
  });
  yield frame("open", { type: "message_start", message: start });
  const firstByte = performance.now();
  for (const [at, part] of answer.parts.entries()) {
    yield frame("open", { type: "content_block_start", index: at, content_block: emptyBlock(part, shown) });
    const { type, field } = DELTAS[part.kind];
    let thought = "";
    if (!(part.kind === "thinking" && shown.hideThinking)) {
      for (const token of part.tokens) {
        if (part.kind === "thinking") thought += token;
        yield frame("token", { type: "content_block_delta", index: at, delta: { type, [field]: token } });
      }
    }
    if (part.kind === "thinking")
      yield frame("open", {
        type: "content_block_delta",
        index: at,
        delta: { type: "signature_delta", signature: shown.seal.of(thought) },
      });
    yield frame(at === answer.parts.length - 1 ? "close" : "open", { type: "content_block_stop", index: at });
  }
  const delta = { stop_reason: STOP_REASONS[answer.end], stop_sequence: answer.stopSequence ?? null };
  yield frame("close", { type: "message_delta", delta, usage: usageFields(usage, usage.output, answer.thinkingTokens) });
  yield frame("end", {
    type: "message_stop",
    "amazon-bedrock-invocationMetrics": metrics(usage, performance.now() - began, firstByte - began),
  });
}

function emptyBlock(part: Part, shown: Shown): JsonObject {
  switch (part.kind) {
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "text":
      return { type: "text", text: "" };
    case "call":
      return { type: "tool_use", id: `toolu_bdrk_${shown.nextId()}`, name: part.name, input: {} };
  }
}

function metrics(usage: AnswerUsage, latencyMs: number, firstByteMs: number): JsonObject {
  return {
    inputTokenCount: usage.input,
    outputTokenCount: usage.output,
    invocationLatency: Math.round(latencyMs),
    firstByteLatency: Math.round(firstByteMs),
    cacheReadInputTokenCount: usage.cached?.read ?? 0,
    cacheWriteInputTokenCount: (usage.cached?.write5m ?? 0) + (usage.cached?.write1h ?? 0),
  };
}
