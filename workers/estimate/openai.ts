/** The tokens that an OpenAI request (chat completions, responses, embeddings) has for the model. Overheads: `gpt.ts`. */

import { addContent } from "./openai-content.ts";
import type { Profile } from "./profile.ts";
import { addDescription, addSchema } from "./schema.ts";
import {
  asEncrypted,
  asJson,
  asMark,
  asNothing,
  asText,
  type CountText,
  isObject,
  type Json,
  type JsonObject,
  listOf,
  type Members,
  Tally,
  textOf,
  type Weigh,
} from "./walk.ts";

/** Members of a request that are not billed, whatever they hold, with the reason. */
export const UNBILLED: Readonly<Record<string, string>> = {
  model: "names the model",
  stream: "a switch",
  stream_options: "switches",
  temperature: "a number",
  top_p: "a number",
  n: "a number",
  max_tokens: "a number",
  max_completion_tokens: "a number",
  max_output_tokens: "a number",
  max_tool_calls: "a number",
  frequency_penalty: "a number",
  presence_penalty: "a number",
  seed: "a number",
  logprobs: "a switch",
  top_logprobs: "a number",
  logit_bias: "numbers of tokens, and how much to favour them",
  stop: "compared with the answer, not shown to the model",
  user: "for the vendor's own records of abuse",
  safety_identifier: "for the vendor's own records of abuse",
  metadata: "kept beside the answer, not shown to the model",
  prompt_cache_key: "chooses a cache",
  prompt_cache_retention: "chooses a cache",
  prompt_cache_options: "chooses a cache",
  service_tier: "chooses a queue",
  store: "a switch",
  background: "a switch",
  parallel_tool_calls: "a switch",
  include: "names of fields of the answer",
  truncation: "a switch",
  previous_response_id: "an id",
  encoding_format: "a switch",
  dimensions: "a number",
};

/** Tokens around a call of a function in a message; a message has as many around it. */
const CALL_TOKENS = 3;

const CALLED: Members = new Map([
  ["name", asText],
  ["arguments", asText],
  ["input", asText],
]);
const addCalled: Weigh = (tally, called) => {
  if (isObject(called)) {
    tally.other += CALL_TOKENS;
    tally.addMembers(called, CALLED);
  } else tally.addText(called);
};
const CALL: Members = new Map([
  ["function", addCalled],
  ["custom", addCalled],
]);
const addCalls: Weigh = (tally, calls) => {
  if (!Array.isArray(calls)) tally.addText(calls);
  for (const call of listOf(calls)) {
    if (isObject(call)) tally.addMembers(call, CALL);
    else tally.addText(call);
  }
};

const addName: Weigh = (tally, name) => {
  tally.addText(name);
  if (typeof name === "string") tally.other += 1;
};

/** A message of chat completions, or one among the items of responses. */
const MESSAGE: Members = new Map<string, Weigh>([
  ["content", addContent],
  ["name", addName],
  ["refusal", asText],
  ["reasoning_content", asText],
  ["tool_calls", addCalls],
  ["function_call", addCalled],
  ["audio", asMark],
]);

/** Items of responses by type. The content of an item of any other type counts as text. */
const CALL_ITEM: Members = new Map([...CALLED, ["namespace", asMark] as const]);
const OUTPUT_ITEM: Members = new Map([["output", addContent]]);
const ITEMS: ReadonlyMap<string, Members> = new Map<string, Members>([
  ["message", MESSAGE],
  ["function_call", CALL_ITEM],
  ["custom_tool_call", CALL_ITEM],
  ["function_call_output", OUTPUT_ITEM],
  ["custom_tool_call_output", OUTPUT_ITEM],
  [
    "reasoning",
    new Map([
      ["summary", addContent],
      ["content", addContent],
      ["encrypted_content", asEncrypted],
    ]),
  ],
]);
const UNKNOWN_ITEM: Members = new Map([
  ["content", addContent],
  ["encrypted_content", asEncrypted],
]);

/** @param item - of `messages`, or of `input` */
function addItem(tally: Tally, item: JsonObject): void {
  tally.other += tally.profile.overhead.perMessage;
  const members = item.type === undefined ? MESSAGE : (ITEMS.get(textOf(item.type)) ?? UNKNOWN_ITEM);
  if (members === CALL_ITEM) tally.other += CALL_TOKENS;
  tally.addMembers(item, members);
}

const DEFINITION: Members = new Map<string, Weigh>([
  ["name", asText],
  ["description", addDescription],
  ["parameters", addSchema],
]);
const addDefinition: Weigh = (tally, definition) => {
  if (isObject(definition)) tally.addMembers(definition, DEFINITION);
  else tally.addText(definition);
};
/** A tool of chat completions has its definition in the member `function` or `custom`, a tool of responses has it at the top. */
const TOOL: Members = new Map([...DEFINITION, ["function", addDefinition] as const, ["custom", addDefinition] as const]);

/** Tools, and `functions`, their older name. */
const addTools: Weigh = (tally, tools) => {
  if (!Array.isArray(tools)) {
    tally.addText(tools);
    return;
  }
  for (const tool of tools) {
    if (!isObject(tool)) {
      tally.addText(tool);
      continue;
    }
    tally.other += tally.profile.overhead.perTool;
    tally.addMembers(tool, TOOL);
  }
};

/** `response_format` of chat, `text.format` of responses. */
const FORMAT: Members = new Map<string, Weigh>([
  ["json_schema", (tally, format) => addFormat(tally, format)],
  ["name", asText],
  ["description", addDescription],
  ["schema", addSchema],
]);
function addFormat(tally: Tally, format: Json): void {
  if (isObject(format)) tally.addMembers(format, FORMAT);
  else tally.addText(format);
}
const ANSWER_TEXT: Members = new Map<string, Weigh>([
  ["format", addFormat],
  ["verbosity", asMark],
]);

const PREDICTION: Members = new Map([["content", addContent]]);
/** Values of a stored prompt's variables: texts, or parts of content. */
const PROMPT: Members = new Map<string, Weigh>([
  ["version", asMark],
  [
    "variables",
    (tally, variables) => {
      if (!isObject(variables)) tally.addText(variables);
      else for (const value of Object.values(variables)) addContent(tally, isObject(value) ? [value] : value, 0);
      if (isObject(variables)) tally.text += Object.keys(variables).reduce((sum, name) => sum + tally.count(name), 0);
    },
  ],
]);

const within =
  (members: Members): Weigh =>
  (tally, value) => {
    if (isObject(value)) tally.addMembers(value, members);
    else tally.addText(value);
  };

function addToken(tally: Tally, token: Json): void {
  if (typeof token === "number") tally.other += 1;
  else tally.addText(token);
}

/** Messages, or the input of responses and embeddings: a text, texts, tokens, lists of tokens, items. */
const addInput: Weigh = (tally, input) => {
  if (!Array.isArray(input)) {
    tally.addText(input);
    return;
  }
  for (const item of input) {
    if (Array.isArray(item)) for (const token of item) addToken(tally, token);
    else if (isObject(item)) addItem(tally, item);
    else addToken(tally, item);
  }
};

const REQUEST: Members = new Map<string, Weigh>([
  ...Object.keys(UNBILLED).map((name) => [name, asNothing] as const),
  ["messages", addInput],
  ["input", addInput],
  ["instructions", asText],
  ["tools", addTools],
  ["functions", addTools],
  ["tool_choice", asMark],
  ["function_call", asMark],
  ["response_format", addFormat],
  ["text", within(ANSWER_TEXT)],
  ["prediction", within(PREDICTION)],
  ["prompt", within(PROMPT)],
  ["reasoning", asMark],
  ["reasoning_effort", asMark],
  ["verbosity", asMark],
  ["modalities", asMark],
  ["audio", asMark],
  ["conversation", asMark],
  ["web_search_options", asJson],
]);

export function tallyOpenai(request: JsonObject, profile: Profile, count: CountText): Tally {
  const tally = new Tally(profile, count);
  if (listOf(request.tools).length + listOf(request.functions).length > 0) tally.other += profile.overhead.tools.free;
  tally.addMembers(request, REQUEST);
  return tally;
}
