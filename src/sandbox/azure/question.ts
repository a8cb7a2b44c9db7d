/** Reads a chat-completions request into the stand-ins' own form of a question. */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects, text } from "../json.ts";
import { type Picture, readPicture } from "../model/picture.ts";
import type { Question } from "../model/question.ts";
import { tokensIn } from "../model/tokens.ts";

const REASONING_TOKENS = 16;
const MESSAGE_TOKENS = 3;
const PICTURE_TOKENS = 255;

/** @param body checked by `checkAzureBody` */
export function readChatQuestion(body: JsonObject, isReasoning: boolean): Question {
  const messages = objects(body.messages);
  const last = messages.at(-1);
  const asked = messages.findLast((message) => message.role === "user");
  const isResult = last?.role === "tool" || last?.role === "function";
  const format = isObject(body.response_format) ? body.response_format : {};
  const schema = isObject(format.json_schema) ? format.json_schema.schema : undefined;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const stop = typeof body.stop === "string" ? [body.stop] : Array.isArray(body.stop) ? body.stop.map(text) : [];
  return {
    system: messages
      .filter(({ role }) => role === "system" || role === "developer")
      .map(({ content }) => textIn(content))
      .join("\n"),
    messages: messages.length,
    text: textIn(asked?.content),
    prefill: "",
    pictures: objects(asked?.content)
      .filter(({ type }) => type === "image_url")
      .map(pictureIn),
    documents: objects(asked?.content).filter(({ type }) => type === "file").length,
    toolResults: isResult ? trailingResults(messages) : [],
    rounds: roundsIn(messages.slice(messages.findLastIndex(({ role }) => role === "user") + 1)),
    tools: [...objects(body.tools).map(({ function: tool }) => tool), ...objects(body.functions)]
      .filter(isObject)
      .map((tool) => ({ name: text(tool.name), schema: tool.parameters })),
    toolChoice: toolChoice(body.tool_choice ?? body.function_call),
    parallelTools: body.parallel_tool_calls !== false,
    json: format.type === "json_schema" || format.type === "json_object" ? { schema } : undefined,
    thinkingTokens: isReasoning && body.reasoning_effort !== "none" ? REASONING_TOKENS : 0,
    maxTokens: typeof limit === "number" ? limit : undefined,
    stops: stop,
    inputTokens: MESSAGE_TOKENS + weighTools(body) + messages.reduce((sum, message) => sum + MESSAGE_TOKENS + weigh(message), 0),
  };
}

function trailingResults(messages: readonly JsonObject[]): string[] {
  const from = messages.findLastIndex(({ role }) => role !== "tool" && role !== "function") + 1;
  return messages.slice(from).map(({ content }) => textIn(content));
}

/** The number of rounds of tool calls: each answer of the model with calls is one round. */
function roundsIn(messages: readonly JsonObject[]): number {
  return messages.filter(
    ({ role, tool_calls: calls, function_call: call }) => role === "assistant" && (isObject(call) || objects(calls).length > 0),
  ).length;
}

function toolChoice(choice: unknown): Question["toolChoice"] {
  if (isObject(choice)) return { kind: "tool", name: text(isObject(choice.function) ? choice.function.name : choice.name) };
  return { kind: choice === "required" ? "any" : choice === "none" ? "none" : "auto" };
}

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return objects(content)
    .filter(({ type }) => type === "text")
    .map((part) => text(part.text))
    .join("\n");
}

function pictureIn(part: JsonObject): Picture | undefined {
  const url = isObject(part.image_url) ? text(part.image_url.url) : "";
  const base64 = /^data:[^,]*;base64,/.exec(url)?.[0];
  return base64 === undefined ? undefined : readPicture(url.slice(base64.length));
}

function weighTools({ tools, functions }: JsonObject): number {
  const offered = tools ?? functions;
  return objects(offered).length === 0 ? 0 : tokensIn(JSON.stringify(offered).length);
}

function weigh({ content, tool_calls }: JsonObject): number {
  const calls = tool_calls === undefined ? 0 : tokensIn(JSON.stringify(tool_calls).length);
  const pictures = objects(content).filter(({ type }) => type === "image_url").length;
  return tokensIn(textIn(content).length) + calls + pictures * PICTURE_TOKENS;
}
