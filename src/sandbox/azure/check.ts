/** What Azure OpenAI refuses in a chat request: wire.md §2.1, §2.3, §2.9, §4.1. */

import { isObject } from "../../contract/objects.ts";
import { type AzureError, invalid } from "./errors.ts";
import type { AzureRules } from "./rules.ts";
import { type JsonObject, objects, text } from "../json.ts";

const FIELDS = new Set(
  `audio frequency_penalty function_call functions logit_bias logprobs top_logprobs max_completion_tokens max_tokens messages metadata modalities model n
  parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format safety_identifier seed
  service_tier stop store stream stream_options temperature tool_choice tools top_p user verbosity web_search_options data_sources`.split(
    /\s+/,
  ),
);
const ROLES = new Set(["developer", "system", "user", "assistant", "tool", "function"]);
const REFUSED_BY_REASONING = ["temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"];

export function checkAzureBody(body: unknown, { reasoning: isReasoning, schema }: AzureRules): asserts body is JsonObject {
  if (!isObject(body)) throw invalid("We could not parse the JSON body of your request.", null);
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid(`Unrecognized request argument supplied: ${unknown}`, null);
  checkMessages(body.messages);
  checkNumbers(body);
  if (isObject(body.stream_options) && body.stream !== true) {
    throw invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
  }
  if (isReasoning) checkReasoning(body);
  else if ((body.reasoning_effort ?? null) !== null) throw unsupported("reasoning_effort");
  if (!schema && isObject(body.response_format) && body.response_format.type === "json_schema") {
    throw invalid("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", "response_format");
  }
  if (typeof body.max_tokens === "number" && typeof body.max_completion_tokens === "number") {
    throw invalid(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      "max_tokens",
      "invalid_parameter_combination",
    );
  }
}

function checkMessages(messages: unknown): void {
  if (!Array.isArray(messages) || messages.length === 0)
    throw invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.", "messages");
  for (const [index, message] of objects(messages).entries()) {
    if (!ROLES.has(text(message.role)))
      throw invalid(`Invalid value: '${text(message.role)}'.`, `messages[${index}].role`, "invalid_value");
    if (message.role === "tool" && !answersCall(objects(messages), index)) {
      throw invalid("messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", `messages[${index}].role`);
    }
  }
}

function answersCall(messages: JsonObject[], index: number): boolean {
  const caller = messages.slice(0, index).findLast(({ role }) => role !== "tool");
  return objects(caller?.tool_calls).some(({ id }) => id === messages[index]?.tool_call_id);
}

function checkNumbers(body: JsonObject): void {
  const ranges: [string, number, number][] = [
    ["temperature", 0, 2],
    ["top_p", 0, 1],
    ["presence_penalty", -2, 2],
    ["frequency_penalty", -2, 2],
    ["max_tokens", 1, Number.POSITIVE_INFINITY],
    ["max_completion_tokens", 1, Number.POSITIVE_INFINITY],
  ];
  for (const [field, least, most] of ranges) {
    const value = body[field];
    if (value === undefined || value === null) continue;
    if (typeof value !== "number" || value < least || value > most) {
      throw invalid(`Invalid '${field}': expected a number between ${least} and ${most}, but got ${String(value)} instead.`, field);
    }
  }
}

function checkReasoning(body: JsonObject): void {
  if (body.max_tokens !== undefined && body.max_tokens !== null) {
    const message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    throw invalid(message, "max_tokens", "unsupported_parameter");
  }
  const refused = REFUSED_BY_REASONING.find(
    (field) => body[field] !== undefined && body[field] !== null && body[field] !== 1 && body[field] !== 0,
  );
  if (refused !== undefined) throw unsupported(refused);
}

function unsupported(field: string): AzureError {
  return invalid(`Unsupported parameter: '${field}' is not supported with this model.`, field, "unsupported_parameter");
}
