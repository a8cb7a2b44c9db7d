/** Writes an answer as a response, whole or as the events of a stream. Source: the types of openai 7.57. */
import { Buffer } from "node:buffer";
import { isObject } from "../../contract/objects.ts";
import type { Breakage, Frame } from "../delivery.ts";
import type { JsonObject } from "../json.ts";
import { type Answer, joined, type Part } from "../model/answer.ts";
import type { Seal } from "../seal.ts";

/** What an answer shows beside its parts. */
export interface Shown {
  id: string;
  model: string;
  /** Seconds since 1970. */
  created: number;
  inputTokens: number;
  /** The request; some of its members are repeated in the answer. */
  asked: JsonObject;
  /** Seals thoughts where the request asks for encrypted reasoning. */
  seal: Seal;
  nextId(): string;
}

/** The faults of a stream of this kind. */
export const responsesBreakage: Breakage = {
  corrupt: () => Buffer.from('event: response.in_progress\ndata: {"type":"response.in_progress","response":{"id":"bro\n\n'),
  exception(type) {
    const message = "The server had an error while processing your request.";
    return eventBytes({ type: "error", sequence_number: 9, code: type || "server_error", message, param: null });
  },
};

export function responseOfAnswer(answer: Answer, shown: Shown): JsonObject {
  return response(
    answer,
    shown,
    answer.parts.map((part) => finished(part, shown)),
  );
}

/** The events of the answer. */
export function* responseFrames(answer: Answer, shown: Shown): Iterable<Frame> {
  let number = 0;
  const frame = (step: Frame["step"], type: string, fields: JsonObject): Frame => ({
    step,
    bytes: eventBytes({ type, sequence_number: number++, ...fields }),
  });
  const begun = response(undefined, shown, []);
  yield frame("open", "response.created", { response: begun });
  yield frame("open", "response.in_progress", { response: begun });
  const output: JsonObject[] = [];
  for (const [index, part] of answer.parts.entries()) {
    const item = started(part, shown);
    const place = { item_id: item.id, output_index: index };
    yield frame("open", "response.output_item.added", { output_index: index, item });
    if (part.kind === "text") {
      const content = { ...place, content_index: 0 };
      yield frame("open", "response.content_part.added", { ...content, part: outputText("") });
      for (const delta of part.tokens) yield frame("token", "response.output_text.delta", { ...content, delta, logprobs: [] });
      const text = joined(part);
      yield frame("open", "response.output_text.done", { ...content, text, logprobs: [] });
      yield frame("open", "response.content_part.done", { ...content, part: outputText(text) });
    } else if (part.kind === "call") {
      for (const delta of part.tokens) yield frame("token", "response.function_call_arguments.delta", { ...place, delta });
      yield frame("open", "response.function_call_arguments.done", { ...place, name: part.name, arguments: joined(part) });
    }
    const done = completed(part, item);
    output.push(done);
    yield frame("open", "response.output_item.done", { output_index: index, item: done });
  }
  const whole = response(answer, shown, output);
  yield frame("end", `response.${whole.status}`, { response: whole });
}

function response(answer: Answer | undefined, { id, model, created, inputTokens, asked }: Shown, output: JsonObject[]): JsonObject {
  const reason = answer?.end === "length" ? "max_output_tokens" : answer?.end === "filter" ? "content_filter" : undefined;
  return {
    id,
    object: "response",
    created_at: created,
    status: answer === undefined ? "in_progress" : reason === undefined ? "completed" : "incomplete",
    background: asked.background === true,
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    model,
    output,
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    previous_response_id: asked.previous_response_id ?? null,
    reasoning: { effort: null, summary: null },
    service_tier: "default",
    store: asked.store !== false,
    temperature: asked.temperature ?? 1,
    text: isObject(asked.text) ? asked.text : { format: { type: "text" } },
    tool_choice: asked.tool_choice ?? "auto",
    tools: asked.tools ?? [],
    top_p: asked.top_p ?? 1,
    truncation: "disabled",
    usage:
      answer === undefined
        ? null
        : {
            input_tokens: inputTokens,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: answer.outputTokens,
            output_tokens_details: { reasoning_tokens: answer.thinkingTokens },
            total_tokens: inputTokens + answer.outputTokens,
          },
    user: null,
    metadata: asked.metadata ?? {},
  };
}

function outputText(text: string): JsonObject {
  return { type: "output_text", annotations: [], logprobs: [], text };
}

/** The item of a part before its first token. */
function started(part: Part, { nextId, asked, seal }: Shown): JsonObject {
  if (part.kind === "thinking") {
    const id = `rs_${nextId()}`;
    const isSealed = Array.isArray(asked.include) && asked.include.includes("reasoning.encrypted_content");
    return { id, type: "reasoning", summary: [], ...(isSealed ? { encrypted_content: `${id}.${seal.of(id)}` } : {}) };
  }
  if (part.kind === "text") return { id: `msg_${nextId()}`, type: "message", status: "in_progress", content: [], role: "assistant" };
  return {
    id: `fc_${nextId()}`,
    type: "function_call",
    status: "in_progress",
    arguments: "",
    call_id: `call_${nextId()}`,
    name: part.name,
  };
}

function completed(part: Part, item: JsonObject): JsonObject {
  if (part.kind === "thinking") return item;
  if (part.kind === "text") return { ...item, status: "completed", content: [outputText(joined(part))] };
  return { ...item, status: "completed", arguments: joined(part) };
}

function finished(part: Part, shown: Shown): JsonObject {
  return completed(part, started(part, shown));
}

function eventBytes(event: { type: string } & JsonObject): Uint8Array {
  return Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}
