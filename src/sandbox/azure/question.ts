/** Reads a chat-completions request and a Responses request into the form of a question that all stand-ins have. Source: the types of openai 7.57. */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects, text } from "../json.ts";
import { type Picture, readPicture } from "../model/picture.ts";
import type { Question } from "../model/question.ts";
import { tokensIn } from "../model/tokens.ts";

const REASONING_TOKENS = 16;
const MESSAGE_TOKENS = 3;
const PICTURE_TOKENS = 255;
/** Types of the parts of a content that are texts. */
const CHAT_TEXTS = ["text"];
const RESPONSES_TEXTS = ["input_text", "output_text"];

/** @param body checked by `checkChatBody` */
export function readChatQuestion(body: JsonObject, isReasoning: boolean): Question {
  const messages = objects(body.messages);
  const asked = messages.findLast((message) => message.role === "user");
  const format = isObject(body.response_format) ? body.response_format : {};
  const schema = isObject(format.json_schema) ? format.json_schema.schema : undefined;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const stop = typeof body.stop === "string" ? [body.stop] : Array.isArray(body.stop) ? body.stop.map(text) : [];
  return {
    system: systemTexts(messages, CHAT_TEXTS).join("\n"),
    messages: messages.length,
    text: textIn(asked?.content, CHAT_TEXTS),
    prefill: "",
    pictures: parts(asked?.content, "image_url").map((part) => pictureAt(isObject(part.image_url) ? part.image_url.url : "")),
    documents: parts(asked?.content, "file").length,
    toolResults: trailing(messages, ({ role }) => role === "tool" || role === "function").map(({ content }) => textIn(content, CHAT_TEXTS)),
    rounds: sinceQuestion(messages).filter(isRound).length,
    tools: [...objects(body.tools).map(({ function: tool }) => tool), ...objects(body.functions)]
      .filter(isObject)
      .map((tool) => ({ name: text(tool.name), schema: tool.parameters })),
    toolChoice: toolChoice(body.tool_choice ?? body.function_call),
    parallelTools: body.parallel_tool_calls !== false,
    json: jsonIn(format, schema),
    thinkingTokens: isReasoning && body.reasoning_effort !== "none" ? REASONING_TOKENS : 0,
    maxTokens: typeof limit === "number" ? limit : undefined,
    stops: stop,
    inputTokens:
      MESSAGE_TOKENS +
      weighTools(body.tools ?? body.functions) +
      messages.reduce((sum, message) => sum + MESSAGE_TOKENS + weigh(message), 0),
  };
}

/** An answer of the model with calls is one round. */
function isRound({ role, tool_calls: calls, function_call: call }: JsonObject): boolean {
  return role === "assistant" && (isObject(call) || objects(calls).length > 0);
}

function weigh({ content, tool_calls }: JsonObject): number {
  const calls = tool_calls === undefined ? 0 : tokensIn(JSON.stringify(tool_calls).length);
  return tokensIn(textIn(content, CHAT_TEXTS).length) + calls + parts(content, "image_url").length * PICTURE_TOKENS;
}

/**
 * @param body checked by `checkResponsesBody`
 * @param items the items of its input, after those of the conversation that it continues
 */
export function readResponsesQuestion(body: JsonObject, items: readonly JsonObject[], isReasoning: boolean): Question {
  const messages = items.filter(({ role }) => role !== undefined);
  const asked = messages.findLast(({ role }) => role === "user");
  const format = isObject(body.text) && isObject(body.text.format) ? body.text.format : {};
  const limit = body.max_output_tokens;
  const reasoning = isObject(body.reasoning) ? body.reasoning.effort : undefined;
  return {
    system: [text(body.instructions), ...systemTexts(messages, RESPONSES_TEXTS)].filter((each) => each !== "").join("\n"),
    messages: items.length,
    text: textIn(asked?.content, RESPONSES_TEXTS),
    prefill: "",
    pictures: parts(asked?.content, "input_image").map((part) => pictureAt(part.image_url)),
    documents: parts(asked?.content, "input_file").length,
    toolResults: trailing(items, ({ type }) => type === "function_call_output").map(({ output }) => textIn(output, RESPONSES_TEXTS)),
    rounds: sinceQuestion(items).filter(isLastResult).length,
    tools: objects(body.tools)
      .filter(({ type }) => type === "function")
      .map((tool) => ({ name: text(tool.name), schema: tool.parameters })),
    toolChoice: toolChoice(body.tool_choice),
    parallelTools: body.parallel_tool_calls !== false,
    json: jsonIn(format, format.schema),
    thinkingTokens: isReasoning && reasoning !== "none" ? REASONING_TOKENS : 0,
    maxTokens: typeof limit === "number" ? limit : undefined,
    stops: [],
    inputTokens:
      MESSAGE_TOKENS +
      tokensIn(text(body.instructions).length) +
      weighTools(body.tools) +
      items.reduce((sum, item) => sum + MESSAGE_TOKENS + weighItem(item), 0),
  };
}

/** Results that follow one another belong to one round of calls, so the last of them counts. */
function isLastResult({ type }: JsonObject, at: number, items: readonly JsonObject[]): boolean {
  return type === "function_call_output" && items[at + 1]?.type !== "function_call_output";
}

function weighItem(item: JsonObject): number {
  const [content, output] = [textIn(item.content, RESPONSES_TEXTS), textIn(item.output, RESPONSES_TEXTS)];
  return (
    tokensIn(content.length + text(item.arguments).length + output.length) + parts(item.content, "input_image").length * PICTURE_TOKENS
  );
}

function systemTexts(messages: readonly JsonObject[], types: readonly string[]): string[] {
  return messages.filter(({ role }) => role === "system" || role === "developer").map(({ content }) => textIn(content, types));
}

function parts(content: unknown, wanted: string): JsonObject[] {
  return objects(content).filter(({ type }) => type === wanted);
}

/** A content as one text: itself, or its parts of these types. */
function textIn(content: unknown, types: readonly string[]): string {
  if (typeof content === "string") return content;
  return objects(content)
    .filter(({ type }) => types.includes(text(type)))
    .map((part) => text(part.text))
    .join("\n");
}

/** A picture in a `data:` URL; undefined for any other URL, because the stand-in fetches nothing. */
function pictureAt(url: unknown): Picture | undefined {
  const address = text(url);
  const start = /^data:[^,]*;base64,/.exec(address)?.[0].length;
  return start === undefined ? undefined : readPicture(address.slice(start));
}

/** The last items, as far back as all of them fit. */
function trailing(items: readonly JsonObject[], fits: (item: JsonObject) => boolean): readonly JsonObject[] {
  return items.slice(items.findLastIndex((item) => !fits(item)) + 1);
}

/** What came after the user's last message. */
function sinceQuestion(items: readonly JsonObject[]): readonly JsonObject[] {
  return items.slice(items.findLastIndex(({ role }) => role === "user") + 1);
}

/** A chat request names the tool in `function`, a Responses request beside the type. */
function toolChoice(choice: unknown): Question["toolChoice"] {
  if (isObject(choice)) return { kind: "tool", name: text(isObject(choice.function) ? choice.function.name : choice.name) };
  return { kind: choice === "required" ? "any" : choice === "none" ? "none" : "auto" };
}

function jsonIn({ type }: JsonObject, schema: unknown): Question["json"] {
  return type === "json_schema" || type === "json_object" ? { schema } : undefined;
}

function weighTools(tools: unknown): number {
  return objects(tools).length === 0 ? 0 : tokensIn(JSON.stringify(tools).length);
}
