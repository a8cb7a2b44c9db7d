/**
 * What Azure OpenAI refuses in a body. Sources: the types of openai 7.57; learn.microsoft.com, "Azure OpenAI reasoning models"; github
 * MicrosoftDocs/azure-ai-docs; BerriAI/litellm#5803 (`stream_options`). Refusals have the service's own messages.
 */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects, text } from "../json.ts";
import type { Seal } from "../seal.ts";
import { invalid, type Refusal } from "./errors.ts";
import type { KeptResponses } from "./kept.ts";
import type { Rules } from "./rules.ts";

const CHAT_FIELDS = new Set(
  `audio frequency_penalty function_call functions logit_bias logprobs top_logprobs max_completion_tokens max_tokens messages metadata modalities model n
  parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format safety_identifier seed
  service_tier stop store stream stream_options temperature tool_choice tools top_p user verbosity web_search_options data_sources`.split(
    /\s+/,
  ),
);
const RESPONSES_FIELDS = new Set(
  `background conversation include input instructions max_output_tokens max_tool_calls metadata model parallel_tool_calls previous_response_id prompt
  prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools
  top_logprobs top_p truncation user`.split(/\s+/),
);
const ROLES = new Set(["developer", "system", "user", "assistant", "tool", "function"]);
const REFUSED_BY_REASONING = ["temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias"];
/** Members of items that Codex has sent and Azure has refused: openai/codex#30161, #29469. */
const STRANGE = ["internal_chat_message_metadata_passthrough", "metadata"];
const LEAST_OUTPUT = 16;

/** @throws Refusal 400 for a body that is no object, or has a field that is not in the list */
export function checkFields(body: unknown, fields: ReadonlySet<string>): asserts body is JsonObject {
  if (!isObject(body)) throw unreadable();
  const unknown = Object.keys(body).find((field) => !fields.has(field));
  if (unknown !== undefined) throw invalid(`Unrecognized request argument supplied: ${unknown}`, null);
}

/** The refusal of a body that is no JSON, or no object. */
export function unreadable(): Refusal {
  return invalid("We could not parse the JSON body of your request.", null);
}

/** @throws Refusal 400 for a request for a chat completion that the service refuses */
export function checkChatBody(body: unknown, { reasoning: isReasoning, schema }: Rules): asserts body is JsonObject {
  checkFields(body, CHAT_FIELDS);
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

function unsupported(field: string): Refusal {
  return invalid(`Unsupported parameter: '${field}' is not supported with this model.`, field, "unsupported_parameter");
}

/** @throws Refusal 400 for a request for a response that the service refuses */
export function checkResponsesBody(body: unknown, isReasoning: boolean): asserts body is JsonObject {
  if (!isObject(body)) throw unreadable();
  const unknown = Object.keys(body).find((field) => !RESPONSES_FIELDS.has(field));
  if (unknown !== undefined) throw unknownParameter(unknown);
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
    if (strange !== undefined) throw unknownParameter(`input[${index}].${strange}`);
  }
  if (!isReasoning) {
    const asked = isObject(body.reasoning) ? Object.entries(body.reasoning).find(([, value]) => value !== null) : undefined;
    if (asked !== undefined) throw unsupported(`reasoning.${asked[0]}`);
    return;
  }
  const refused = ["temperature", "top_p"].find((field) => typeof body[field] === "number" && body[field] !== 1);
  if (refused !== undefined) throw invalid(`Unsupported parameter: '${refused}' is not supported with this model.`, refused);
}

export function unknownParameter(name: string): Refusal {
  return invalid(`Unknown parameter: '${name}'.`, name, "unknown_parameter");
}

/**
 * Checks what a request for a response sends back of earlier answers: sealed items, and references to kept ones. Only the resource that made them
 * accepts them.
 * @throws Refusal 400 for an item that this resource did not make, or no longer has
 */
export function checkItems(body: JsonObject, seal: Seal, stored: KeptResponses): void {
  const before = body.previous_response_id;
  if (typeof before === "string" && !stored.has(before))
    throw invalid(`Previous response with id '${before}' not found.`, "previous_response_id", "previous_response_not_found");
  for (const [index, item] of objects(body.input).entries()) {
    const sealed = item.encrypted_content;
    if ((item.type === "reasoning" || item.type === "compaction") && typeof sealed === "string") {
      const [made = "", signed = ""] = sealed.split(".");
      if (seal.isOf(made, signed)) continue;
      const shown = `${sealed.slice(0, 4)}...${sealed.slice(-4)}`;
      const message = `The encrypted content ${shown} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`;
      throw invalid(message, null, "invalid_encrypted_content");
    }
    if (item.type !== "item_reference" && item.type !== "reasoning") continue;
    if (stored.has(text(item.id))) continue;
    const message = `Item with id '${text(item.id)}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`;
    throw invalid(message, `input[${index}].id`);
  }
}

/** @throws Refusal 400 for the output of a tool that was not called */
export function checkOutputs(conversation: readonly JsonObject[]): void {
  const called = new Set(conversation.filter(({ type }) => type === "function_call").map((call) => call.call_id));
  const stray = conversation.find((item) => item.type === "function_call_output" && !called.has(item.call_id));
  if (stray !== undefined) throw invalid(`No tool call found for function call output with call_id ${text(stray.call_id)}.`, "input");
}
