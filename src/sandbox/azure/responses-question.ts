/** Reads a Responses request into the stand-ins' own form of a question, and refuses what Azure refuses. Source: the types of openai 7.57. */

import { isObject } from "../../contract/objects.ts";
import { invalid } from "./errors.ts";
import { type JsonObject, objects, text } from "../json.ts";
import { readPicture } from "../model/picture.ts";
import type { Question } from "../model/question.ts";
import { tokensIn } from "../model/tokens.ts";

const FIELDS = new Set(
  `background conversation include input instructions max_output_tokens max_tool_calls metadata model parallel_tool_calls previous_response_id prompt
  prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools
  top_logprobs top_p truncation user`.split(/\s+/),
);
/** Members of items that Codex has sent and Azure has refused: openai/codex#30161, #29469. */
const STRANGE = ["internal_chat_message_metadata_passthrough", "metadata"];
const LEAST_OUTPUT = 16;
const REASONING_TOKENS = 16;
const MESSAGE_TOKENS = 3;
const PICTURE_TOKENS = 255;

export function checkResponsesBody(body: unknown, isReasoning: boolean): asserts body is JsonObject {
  if (!isObject(body)) throw invalid("We could not parse the JSON body of your request.", null);
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter");
  if (body.input === undefined && body.previous_response_id === undefined && body.prompt === undefined) {
    throw invalid(
      "Missing one of the following parameters: 'input', 'previous_response_id', 'prompt', or 'conversation'.",
      "input",
      "missing_required_parameter",
    );
  }
  const limit = body.max_output_tokens;
  if (typeof limit === "number" && limit < LEAST_OUTPUT) {
    const message = `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= ${LEAST_OUTPUT}, but got ${limit} instead.`;
    throw invalid(message, "max_output_tokens", "integer_below_min_value");
  }
  if (body.background === true && body.store === false) throw invalid("Background mode requires 'store' to be true.", "background");
  for (const [index, item] of objects(body.input).entries()) {
    const strange = STRANGE.find((name) => item[name] !== undefined);
    if (strange === undefined) continue;
    const param = `input[${index}].${strange}`;
    throw invalid(`Unknown parameter: '${param}'.`, param, "unknown_parameter");
  }
  if (!isReasoning) {
    const asked = isObject(body.reasoning)
      ? Object.keys(body.reasoning).find((name) => (body.reasoning as JsonObject)[name] !== null)
      : undefined;
    if (asked === undefined) return;
    throw invalid(
      `Unsupported parameter: 'reasoning.${asked}' is not supported with this model.`,
      `reasoning.${asked}`,
      "unsupported_parameter",
    );
  }
  const refused = ["temperature", "top_p"].find((field) => typeof body[field] === "number" && body[field] !== 1);
  if (refused !== undefined) throw invalid(`Unsupported parameter: '${refused}' is not supported with this model.`, refused);
}

/** @throws AzureError for the output of a tool that was not called. */
export function checkOutputs(conversation: readonly JsonObject[]): void {
  for (const item of conversation) {
    if (item.type === "function_call_output" && !conversation.some((call) => isCallOf(call, item.call_id))) {
      throw invalid(`No tool call found for function call output with call_id ${text(item.call_id)}.`, "input");
    }
  }
}

function isCallOf(item: JsonObject, callId: unknown): boolean {
  return item.type === "function_call" && item.call_id === callId;
}

/**
 * @param body checked by `checkResponsesBody`
 * @param items its input, after all that it goes on from
 */
export function readResponsesQuestion(body: JsonObject, items: readonly JsonObject[], isReasoning: boolean): Question {
  const messages = items.filter(({ role }) => role !== undefined);
  const asked = messages.findLast(({ role }) => role === "user");
  const format = isObject(body.text) && isObject(body.text.format) ? body.text.format : {};
  const limit = body.max_output_tokens;
  const system = messages.filter(({ role }) => role === "system" || role === "developer").map(({ content }) => textIn(content));
  const reasoning = isObject(body.reasoning) ? body.reasoning.effort : undefined;
  return {
    system: [text(body.instructions), ...system].filter((each) => each !== "").join("\n"),
    messages: items.length,
    text: textIn(asked?.content),
    prefill: "",
    pictures: objects(asked?.content)
      .filter(({ type }) => type === "input_image")
      .map((part) => {
        const [, base64] = /^data:[^,]*;base64,(.*)$/s.exec(text(part.image_url)) ?? [];
        return base64 === undefined ? undefined : readPicture(base64);
      }),
    documents: objects(asked?.content).filter(({ type }) => type === "input_file").length,
    toolResults: trailingResults(items),
    rounds: roundsIn(items.slice(items.findLastIndex(({ role }) => role === "user") + 1)),
    tools: objects(body.tools)
      .filter(({ type }) => type === "function")
      .map((tool) => ({ name: text(tool.name), schema: tool.parameters })),
    toolChoice: toolChoice(body.tool_choice),
    parallelTools: body.parallel_tool_calls !== false,
    json: format.type === "json_schema" || format.type === "json_object" ? { schema: format.schema } : undefined,
    thinkingTokens: isReasoning && reasoning !== "none" ? REASONING_TOKENS : 0,
    maxTokens: typeof limit === "number" ? limit : undefined,
    stops: [],
    inputTokens:
      MESSAGE_TOKENS +
      tokensIn(text(body.instructions).length) +
      (body.tools === undefined ? 0 : tokensIn(JSON.stringify(body.tools).length)) +
      items.reduce((sum, item) => sum + MESSAGE_TOKENS + weigh(item), 0),
  };
}

function trailingResults(items: readonly JsonObject[]): string[] {
  const from = items.findLastIndex(({ type }) => type !== "function_call_output") + 1;
  return items.slice(from).map(({ output }) => textIn(output));
}

/** The number of rounds of tool calls: results that follow one another belong to one round. */
function roundsIn(items: readonly JsonObject[]): number {
  return items.filter(({ type }, at) => type === "function_call_output" && items[at + 1]?.type !== "function_call_output").length;
}

function toolChoice(choice: unknown): Question["toolChoice"] {
  if (isObject(choice)) return { kind: "tool", name: text(choice.name) };
  return { kind: choice === "required" ? "any" : choice === "none" ? "none" : "auto" };
}

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return objects(content)
    .filter(({ type }) => type === "input_text" || type === "output_text")
    .map((part) => text(part.text))
    .join("\n");
}

function weigh(item: JsonObject): number {
  const pictures = objects(item.content).filter(({ type }) => type === "input_image").length;
  return tokensIn(textIn(item.content).length + text(item.arguments).length + textIn(item.output).length) + pictures * PICTURE_TOKENS;
}
