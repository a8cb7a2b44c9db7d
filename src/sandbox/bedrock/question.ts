import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects, text } from "../json.ts";
import { readPicture } from "../model/picture.ts";
import type { PromptCache } from "./cache.ts";
import type { Question } from "../model/question.ts";
import { tokensIn } from "../model/tokens.ts";

/** Tokens of one visible thought. */
const THINKING_TOKENS = 16;
const MESSAGE_TOKENS = 4;

/** How the input tokens are charged. */
export interface CacheUsage {
  read: number;
  write5m: number;
  write1h: number;
}

/** @param body checked by `checkBody` */
export function readQuestion(body: JsonObject): Question {
  const messages = objects(body.messages);
  const last = messages.at(-1);
  const prefill = last?.role === "assistant" ? textIn(last.content) : "";
  // User turns that follow one another count as one; while tools answer, the user's last text stays the question.
  const asked = messages.findLastIndex(({ role, content }) => role === "user" && spoken(content) !== "");
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  const turns = messages.slice(prefill === "" ? answered + 1 : asked).filter(({ role }) => role === "user");
  const blocks = turns.flatMap(({ content }) => objects(content));
  const choice = isObject(body.tool_choice) ? body.tool_choice : {};
  const format = isObject(body.output_config) && isObject(body.output_config.format) ? body.output_config.format : body.output_format;
  const thinking = isObject(body.thinking) ? body.thinking.type : undefined;
  return {
    system: textIn(body.system),
    messages: messages.length,
    text: spoken(messages[asked]?.content),
    prefill,
    pictures: blocks
      .filter((block) => block.type === "image")
      .map((block) => readPicture(isObject(block.source) ? text(block.source.data) : "")),
    documents: blocks.filter((block) => block.type === "document").length,
    toolResults: blocks.filter((block) => block.type === "tool_result").map((block) => textIn(block.content)),
    rounds: messages.slice(asked + 1).filter(({ content }) => objects(content).some(({ type }) => type === "tool_result")).length,
    tools: objects(body.tools).map((tool) => ({ name: text(tool.name), schema: tool.input_schema })),
    toolChoice:
      choice.type === "tool"
        ? { kind: "tool", name: text(choice.name) }
        : { kind: choice.type === "any" ? "any" : choice.type === "none" ? "none" : "auto" },
    parallelTools: choice.disable_parallel_tool_use !== true,
    json: isObject(format) && format.type === "json_schema" ? { schema: format.schema } : undefined,
    thinkingTokens: thinking === "enabled" || thinking === "adaptive" ? THINKING_TOKENS : 0,
    maxTokens: typeof body.max_tokens === "number" ? body.max_tokens : undefined,
    stops: Array.isArray(body.stop_sequences) ? body.stop_sequences.filter((stop) => typeof stop === "string") : [],
    inputTokens: Math.max(
      1,
      weigh(body.system) + weighTools(body.tools) + messages.reduce((sum, each) => sum + MESSAGE_TOKENS + weigh(each.content), 0),
    ),
  };
}

/** The user's text, without the notes of a coding agent. */
function spoken(content: unknown): string {
  if (typeof content === "string") return content;
  return textIn(objects(content).filter((block) => !text(block.text).startsWith("<system-reminder>")));
}

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return objects(content)
    .filter((block) => block.type === "text")
    .map((block) => text(block.text))
    .join("\n");
}

function weighTools(tools: unknown): number {
  return objects(tools).length === 0 ? 0 : tokensIn(JSON.stringify(tools).length);
}

/** Tokens of a content: texts by their length, pictures by their area (as the vendor counts them), everything else by its size. */
function weigh(content: unknown): number {
  if (typeof content === "string") return tokensIn(content.length);
  let tokens = 0;
  for (const block of objects(content)) tokens += weighBlock(block);
  return tokens;
}

function weighBlock(block: JsonObject): number {
  if (typeof block.text === "string") return tokensIn(block.text.length);
  if (block.type === "image") {
    const picture = readPicture(isObject(block.source) ? text(block.source.data) : "");
    return picture === undefined ? 0 : Math.ceil(picture.width / 28) * Math.ceil(picture.height / 28);
  }
  if (block.type === "tool_result") return weigh(block.content);
  return tokensIn(JSON.stringify(block.source ?? block.input ?? block).length);
}

/**
 * The part of the input that is written to or read from the prompt cache: everything up to the last block with `cache_control`, in the
 * service's order (tools, system, messages). Undefined where no block has one.
 */
export function cacheUsage(body: JsonObject, model: string, cache: PromptCache, now: number): CacheUsage | undefined {
  const sections = [objects(body.tools), objects(body.system), ...objects(body.messages).map((message) => objects(message.content))];
  let prefix = model;
  let weight = 0;
  let found: { prefix: string; weight: number } | undefined;
  /** Up to the last mark of an hour. */
  let hour = 0;
  let marks = 0;
  const isMarked = (block: JsonObject): boolean => isObject(block.cache_control);
  if (!isObject(body.cache_control) && !sections.some((section) => section.some(isMarked))) return undefined;
  const messages = objects(body.messages);
  for (const [index, section] of sections.entries()) {
    const plain = index === 1 ? body.system : messages[index - 2]?.content;
    if (typeof plain === "string") {
      prefix += plain;
      weight += tokensIn(plain.length);
    }
    for (const block of section) {
      const { cache_control: mark, ...rest } = block;
      prefix += JSON.stringify(rest);
      weight += index === 0 ? tokensIn(JSON.stringify(rest).length) : weighBlock(rest);
      if (isObject(mark)) {
        found = { prefix, weight };
        if (mark.ttl === "1h") hour = weight;
        marks++;
      }
    }
  }
  if (isObject(body.cache_control) && marks === 0) {
    found = { prefix, weight };
    if (body.cache_control.ttl === "1h") hour = weight;
  }
  if (found === undefined) return undefined;
  if (cache.touch(found.prefix, now)) return { read: found.weight, write5m: 0, write1h: 0 };
  return { read: 0, write5m: found.weight - hour, write1h: hour };
}
