/** The tokens that an Anthropic Messages request has for the model. Overheads: `claude.ts`. */

import { documentTokens, pictureSize, pictureTokens, REMOTE_DOCUMENT_TOKENS } from "./pictures.ts";
import type { Profile } from "./profile.ts";
import { addDescription, addSchema } from "./schema.ts";
import {
  asEncoded,
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
  max_tokens: "a number",
  stream: "a switch",
  temperature: "a number",
  top_p: "a number",
  top_k: "a number",
  stop_sequences: "compared with the answer, not shown to the model",
  metadata: "for the vendor's own records of abuse",
  service_tier: "chooses a queue",
  inference_geo: "chooses a place",
  speed: "chooses a queue",
  anthropic_version: "names the API's version",
  anthropic_beta: "names of features",
  betas: "names of features",
};

/** For Anthropic's own tools, whose definition the API writes: the price of bash with Claude 4.7 and later. Source: platform.claude.com, "Pricing". */
const OWN_TOOL_TOKENS = 325;

/** Most levels of content inside content. The API has two (a document in a tool's result); deeper content is counted as loose text. */
const DEEPEST = 4;

const addContent: Weigh = (tally, content, depth) => {
  if (!Array.isArray(content) || depth > DEEPEST) {
    tally.addText(content);
    return;
  }
  for (const block of content) {
    if (isObject(block)) tally.addMembers(block, BLOCKS.get(textOf(block.type)) ?? UNKNOWN_BLOCK, depth);
    else tally.addText(block);
  }
};

/** Encoded content is billed for each picture or page; all other members are text. */
const ENCODED: Members = new Map([
  ["data", asEncoded],
  ["media_type", asMark],
  ["url", asMark],
]);

const addPicture: Weigh = (tally, source) => {
  const isEncoded = isObject(source) && source.type === "base64";
  tally.other += pictureTokens(tally.profile.picture, isEncoded ? pictureSize(textOf(source.data)) : undefined);
  addSource(tally, source, isEncoded);
};

const addDocument: Weigh = (tally, source, depth) => {
  const type = isObject(source) ? source.type : undefined;
  if (isObject(source) && type === "content") tally.addMembers(source, NESTED, depth);
  else {
    if (isObject(source) && type === "base64") tally.other += documentTokens(textOf(source.data).length);
    else if (type !== "text") tally.other += REMOTE_DOCUMENT_TOKENS;
    addSource(tally, source, type === "base64");
  }
};

const PLAIN: Members = new Map([
  ["data", asText],
  ["media_type", asMark],
  ["url", asMark],
]);

function addSource(tally: Tally, source: Json, isEncoded: boolean): void {
  if (isObject(source)) tally.addMembers(source, isEncoded ? ENCODED : PLAIN);
  else tally.addText(source);
}

const addInner: Weigh = (tally, content, depth) => addContent(tally, content, depth + 1);

const NESTED: Members = new Map([["content", addInner]]);

const UNKNOWN_BLOCK: Members = new Map([
  ["content", addInner],
  ["encrypted_content", asEncrypted],
  ["encrypted_index", asEncrypted],
]);

/** Blocks by type. A block of any other type is text, whatever names its members have. */
const BLOCKS: ReadonlyMap<string, Members> = new Map<string, Members>([
  ["text", new Map([["text", asText]])],
  [
    "thinking",
    new Map([
      ["thinking", asText],
      ["signature", asEncrypted],
    ]),
  ],
  ["redacted_thinking", new Map([["data", asEncrypted]])],
  ["image", new Map([["source", addPicture]])],
  [
    "document",
    new Map([
      ["source", addDocument],
      ["title", asText],
      ["context", asText],
      ["citations", asMark],
    ]),
  ],
  [
    "search_result",
    new Map([
      ["content", addInner],
      ["source", asText],
      ["title", asText],
      ["citations", asMark],
    ]),
  ],
  [
    "tool_use",
    new Map([
      ["name", asText],
      ["input", asJson],
      ["caller", asMark],
    ]),
  ],
  [
    "tool_result",
    new Map([
      ["tool_use_id", asText],
      ["content", addInner],
    ]),
  ],
]);

const MESSAGE: Members = new Map([["content", addContent]]);

const TOOL: Members = new Map<string, Weigh>([
  ["name", asText],
  ["description", addDescription],
  ["input_schema", addSchema],
  ["input_examples", asJson],
  ["eager_input_streaming", asMark],
  ["defer_loading", asMark],
  ["allowed_callers", asMark],
]);

function addTools(tally: Tally, tools: Json, choice: Json | undefined): void {
  const { overhead } = tally.profile;
  if (!Array.isArray(tools)) {
    tally.addText(tools);
    return;
  }
  if (tools.length === 0) return;
  const isForced = isObject(choice) && (choice.type === "any" || choice.type === "tool");
  tally.other += isForced ? overhead.tools.forced : overhead.tools.free;
  for (const [index, tool] of tools.entries()) {
    if (!isObject(tool)) tally.addText(tool);
    else if (typeof tool.type === "string" && tool.type !== "custom") {
      tally.other += OWN_TOOL_TOKENS;
      // Usually a few settings.
      tally.addMark(tool);
    } else {
      if (index > 0) tally.other += overhead.perTool;
      tally.addMembers(tool, TOOL);
    }
  }
}

const FORMAT: Members = new Map<string, Weigh>([["schema", addSchema]]);
const addFormat: Weigh = (tally, format) => {
  if (isObject(format)) tally.addMembers(format, FORMAT);
  else tally.addText(format);
};
const OUTPUT: Members = new Map<string, Weigh>([
  ["format", addFormat],
  ["effort", asMark],
]);

const REQUEST: Members = new Map<string, Weigh>([
  ...Object.keys(UNBILLED).map((name) => [name, asNothing] as const),
  ["system", addContent],
  [
    "messages",
    (tally, messages) => {
      for (const message of listOf(messages)) {
        tally.other += tally.profile.overhead.perMessage;
        if (isObject(message)) tally.addMembers(message, MESSAGE);
        else addContent(tally, message, 0);
      }
      if (!Array.isArray(messages)) tally.addText(messages);
    },
  ],
  // Weighed together with `tool_choice`, after all members.
  ["tools", asNothing],
  ["tool_choice", asMark],
  ["thinking", asMark],
  ["context_management", asMark],
  ["container", asMark],
  ["output_format", addFormat],
  ["output_config", (tally, config) => (isObject(config) ? tally.addMembers(config, OUTPUT) : tally.addText(config))],
]);

export function tallyAnthropic(request: JsonObject, profile: Profile, count: CountText): Tally {
  const tally = new Tally(profile, count);
  tally.addMembers(request, REQUEST);
  if (request.tools !== undefined) addTools(tally, request.tools, request.tool_choice);
  return tally;
}
