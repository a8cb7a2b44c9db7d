/** Reads a body of InvokeModel into the form of a question that all stand-ins have. */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects, text } from "../json.ts";
import { type Picture, readPicture } from "../model/picture.ts";
import type { Question } from "../model/question.ts";
import { tokensIn } from "../model/tokens.ts";

/** Tokens of the thoughts before an answer. */
const THINKING_TOKENS = 16;
const MESSAGE_TOKENS = 4;

/** @param body checked by `checkBody` */
export function readQuestion(body: JsonObject): Question {
  const messages = objects(body.messages);
  const last = messages.at(-1);
  const prefill = last?.role === "assistant" ? textIn(last.content) : "";
  // User messages that follow one another are one turn. A turn with only tool results has no text: then the question is the last text before it.
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
    pictures: blocks.filter((block) => block.type === "image").map(pictureIn),
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

/** The text of the user, without the notes that a coding agent adds to it. */
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

function pictureIn({ source }: JsonObject): Picture | undefined {
  return readPicture(isObject(source) ? text(source.data) : "");
}

function weighTools(tools: unknown): number {
  return objects(tools).length === 0 ? 0 : tokensIn(JSON.stringify(tools).length);
}

/** Tokens of a content: texts by their length, pictures by their area (as Anthropic counts them), everything else by the length of its JSON. */
function weigh(content: unknown): number {
  if (typeof content === "string") return tokensIn(content.length);
  let tokens = 0;
  for (const block of objects(content)) tokens += weighBlock(block);
  return tokens;
}

/** Tokens of one block of a content: see `weigh`. */
export function weighBlock(block: JsonObject): number {
  if (typeof block.text === "string") return tokensIn(block.text.length);
  if (block.type === "image") {
    const picture = pictureIn(block);
    return picture === undefined ? 0 : Math.ceil(picture.width / 28) * Math.ceil(picture.height / 28);
  }
  if (block.type === "tool_result") return weigh(block.content);
  return tokensIn(JSON.stringify(block.source ?? block.input ?? block).length);
}
