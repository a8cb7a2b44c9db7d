/** What an OpenAI request (chat completions, responses, embeddings) puts before the model. Overheads: `wire.md` §5.2. */

import { documentTokens, pictureSize, pictureTokens, REMOTE_DOCUMENT_TOKENS, soundTokens } from "./pictures.ts";
import type { Profile } from "./profile.ts";
import { type CountText, countLoose, countSchema, isObject, type Json, type JsonObject, listOf, type Tally, textOf } from "./walk.ts";

/** The base64 of a `data:` URL, or undefined for one that points elsewhere. */
function inlineData(url: string): string | undefined {
  if (!url.startsWith("data:")) return undefined;
  const comma = url.slice(0, 256).indexOf(",");
  return comma < 0 ? undefined : url.slice(comma + 1);
}

function countPart(part: JsonObject, profile: Profile, count: CountText, tally: Tally): void {
  switch (part.type) {
    case "text":
    case "input_text":
    case "output_text":
      tally.text += count(textOf(part.text));
      break;
    case "image_url":
    case "input_image": {
      // `{image_url: {url, detail}}` in chat completions, `{image_url: "…", detail}` in responses.
      const image = isObject(part.image_url) ? part.image_url : { url: part.image_url ?? null, detail: part.detail ?? null };
      const data = inlineData(textOf(image.url));
      tally.other += pictureTokens(profile.picture, data === undefined ? undefined : pictureSize(data), image.detail === "low");
      break;
    }
    case "input_audio": {
      const audio = isObject(part.input_audio) ? part.input_audio : {};
      tally.other += soundTokens(textOf(audio.data).length, textOf(audio.format));
      break;
    }
    case "file":
    case "input_file": {
      const data = textOf((isObject(part.file) ? part.file : part).file_data);
      tally.other += data === "" ? REMOTE_DOCUMENT_TOKENS : documentTokens(data.length);
      break;
    }
    default:
      tally.text += countLoose(part, count, false);
  }
}

function countContent(content: Json | undefined, profile: Profile, count: CountText, tally: Tally): void {
  if (typeof content === "string") tally.text += count(content);
  for (const part of listOf(content)) {
    if (isObject(part)) countPart(part, profile, count, tally);
    else tally.text += countLoose(part, count, false);
  }
}

/** Three tokens frame a call of a function in a message, as they frame a message. */
const CALL_TOKENS = 3;

function countCall(call: Json | undefined, count: CountText, tally: Tally): void {
  if (!isObject(call)) return;
  tally.other += CALL_TOKENS;
  tally.text += count(textOf(call.name)) + count(textOf(call.arguments));
}

/** A message of chat completions, or an item of a responses `input`. */
function countMessage(message: Json, profile: Profile, count: CountText, tally: Tally): void {
  tally.other += profile.overhead.perMessage;
  if (!isObject(message)) {
    tally.text += countLoose(message, count, false);
    return;
  }
  if (typeof message.name === "string" && message.type !== "function_call") {
    tally.text += count(message.name);
    tally.other += 1;
  }
  countContent(message.content, profile, count, tally);
  for (const call of listOf(message.tool_calls)) countCall(isObject(call) ? (call.function ?? call.custom) : undefined, count, tally);
  countCall(message.function_call, count, tally);
  if (message.type === "function_call") countCall(message, count, tally);
  else if (message.type === "function_call_output") {
    if (typeof message.output === "string") tally.text += count(message.output);
    else countContent(message.output, profile, count, tally);
  } else if (message.content === undefined && typeof message.type === "string") tally.text += countLoose(message, count, false);
}

function countTools(request: JsonObject, profile: Profile, count: CountText, tally: Tally): void {
  // `functions` is what tools were called before; a responses tool has its fields at the top.
  const tools = [...listOf(request.tools), ...listOf(request.functions)];
  if (tools.length > 0) tally.other += profile.overhead.tools.free;
  for (const tool of tools) {
    if (!isObject(tool)) continue;
    const definition = isObject(tool.function) ? tool.function : tool;
    tally.other += profile.overhead.perTool;
    tally.text += count(textOf(definition.name));
    if (typeof definition.description === "string") {
      tally.text += count(definition.description);
      tally.other += profile.overhead.description;
    }
    countSchema(definition.parameters, count, profile.overhead, tally);
  }
  const format = isObject(request.response_format)
    ? request.response_format.json_schema
    : isObject(request.text)
      ? request.text.format
      : undefined;
  if (isObject(format)) countSchema(format.schema, count, profile.overhead, tally);
}

/** The input of an embedding: a text, texts, tokens, or lists of tokens. */
function countInput(input: Json | undefined, profile: Profile, count: CountText, tally: Tally): void {
  if (typeof input === "string") tally.text += count(input);
  for (const item of listOf(input)) {
    if (typeof item === "number") tally.other += 1;
    else if (typeof item === "string") tally.text += count(item);
    else if (Array.isArray(item)) tally.other += item.length;
    else countMessage(item, profile, count, tally);
  }
}

export function tallyOpenai(request: JsonObject, profile: Profile, count: CountText): Tally {
  const tally: Tally = { text: count(textOf(request.instructions)), other: profile.overhead.base };
  for (const message of listOf(request.messages)) countMessage(message, profile, count, tally);
  countInput(request.input, profile, count, tally);
  countTools(request, profile, count, tally);
  return tally;
}
