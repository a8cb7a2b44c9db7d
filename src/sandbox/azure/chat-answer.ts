/**
 * Writes an answer as a chat completion, whole or as the events of a stream, with what Azure adds (results of its content filter). Sources: the types of
 * openai 7.57; github MicrosoftDocs/azure-ai-docs.
 */
import { Buffer } from "node:buffer";
import type { Frame } from "../delivery.ts";
import type { JsonObject } from "../json.ts";
import { type Answer, joined, type Part } from "../model/answer.ts";

/** What an answer shows beside its parts. */
export interface Completion {
  id: string;
  /** The name of the deployment's model. */
  model: string;
  /** Seconds since 1970. */
  created: number;
  inputTokens: number;
  /** The client asked for `usage` at the end of its stream. */
  hasUsage: boolean;
  /** The results of the content filter come in separate chunks. */
  asyncFilter: boolean;
  nextId(): string;
}

const REASONS = { end: "stop", length: "length", stop: "stop", call: "tool_calls", filter: "content_filter" } as const;
const SAFE = { filtered: false, severity: "safe" };
const VERDICT = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: SAFE };
const PROMPT_VERDICT = [{ prompt_index: 0, content_filter_results: { ...VERDICT, jailbreak: { filtered: false, detected: false } } }];
const FINGERPRINT = "fp_sandbox";

function usage(answer: Answer, inputTokens: number): JsonObject {
  return {
    completion_tokens: answer.outputTokens,
    completion_tokens_details: {
      accepted_prediction_tokens: 0,
      audio_tokens: 0,
      reasoning_tokens: answer.thinkingTokens,
      rejected_prediction_tokens: 0,
    },
    prompt_tokens: inputTokens,
    prompt_tokens_details: { audio_tokens: 0, cached_tokens: 0 },
    total_tokens: inputTokens + answer.outputTokens,
  };
}

export function completionOfAnswer(answer: Answer, shown: Completion): JsonObject {
  const texts = answer.parts.filter(({ kind }) => kind === "text");
  const calls = answer.parts.filter((part) => part.kind === "call");
  const message: JsonObject = {
    annotations: [],
    content: texts.length === 0 && calls.length > 0 ? null : texts.map(joined).join(""),
    refusal: null,
    role: "assistant",
  };
  if (calls.length > 0) {
    message.tool_calls = calls.map((part) => ({
      id: `call_${shown.nextId()}`,
      type: "function",
      function: { name: part.name, arguments: joined(part) },
    }));
  }
  return {
    choices: [{ content_filter_results: VERDICT, finish_reason: REASONS[answer.end], index: 0, logprobs: null, message }],
    created: shown.created,
    id: shown.id,
    model: shown.model,
    object: "chat.completion",
    prompt_filter_results: PROMPT_VERDICT,
    system_fingerprint: FINGERPRINT,
    usage: usage(answer, shown.inputTokens),
  };
}

/** The events of the answer. */
export function* completionFrames(answer: Answer, shown: Completion): Iterable<Frame> {
  const frame = (step: Frame["step"], event: JsonObject): Frame => ({ step, bytes: eventBytes(JSON.stringify(event)) });
  const chunk = (choices: JsonObject[]): JsonObject => ({
    choices,
    created: shown.created,
    id: shown.id,
    model: shown.model,
    object: "chat.completion.chunk",
    system_fingerprint: FINGERPRINT,
    ...(shown.hasUsage ? { usage: null } : {}),
  });
  const choice = (delta: JsonObject, finish: string | null = null): JsonObject => ({
    ...(shown.asyncFilter ? {} : { content_filter_results: Object.keys(delta).length === 0 || "role" in delta ? {} : VERDICT }),
    delta,
    finish_reason: finish,
    index: 0,
    logprobs: null,
  });

  yield frame("open", { choices: [], created: 0, id: "", model: "", object: "", prompt_filter_results: PROMPT_VERDICT });
  yield frame("open", chunk([choice({ content: "", refusal: null, role: "assistant" })]));
  let call = -1;
  for (const part of answer.parts) {
    if (part.kind === "thinking") continue;
    if (part.kind === "call") {
      call += 1;
      const opening = { index: call, id: `call_${shown.nextId()}`, type: "function", function: { name: part.name, arguments: "" } };
      yield frame("open", chunk([choice({ tool_calls: [opening] })]));
    }
    let sent = 0;
    for (const token of part.tokens) {
      yield frame("token", chunk([choice(deltaOf(part, token, call))]));
      sent += token.length;
      if (shown.asyncFilter) yield frame("open", filterResult(sent, token, chunk));
    }
  }
  yield frame("close", chunk([choice({}, REASONS[answer.end])]));
  if (shown.hasUsage) yield frame("close", { ...chunk([]), usage: usage(answer, shown.inputTokens) });
  yield { step: "end", bytes: eventBytes("[DONE]") };
}

function deltaOf(part: Part, token: string, call: number): JsonObject {
  return part.kind === "call" ? { tool_calls: [{ index: call, function: { arguments: token } }] } : { content: token };
}

/** A result of the asynchronous filter, for the text up to `end`: a choice without `delta`. */
function filterResult(end: number, token: string, chunk: (choices: JsonObject[]) => JsonObject): JsonObject {
  const start = end - token.length;
  const offsets = { check_offset: start, start_offset: start, end_offset: end };
  return chunk([{ content_filter_offsets: offsets, content_filter_results: VERDICT, finish_reason: null, index: 0 }]);
}

function eventBytes(data: string): Uint8Array {
  return Buffer.from(`data: ${data}\n\n`);
}
