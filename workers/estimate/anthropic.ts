/** What an Anthropic Messages request puts before the model. Overheads: `wire.md` §5.3. */

import { documentTokens, pictureSize, pictureTokens, REMOTE_DOCUMENT_TOKENS } from "./pictures.ts";
import type { Profile } from "./profile.ts";
import { type CountText, countLoose, countSchema, isObject, type Json, type JsonObject, listOf, type Tally, textOf } from "./walk.ts";

/** Anthropic's own tools, whose definition the API writes: `wire.md` §5.3 has bash; the others are of its size or larger. */
const OWN_TOOL_TOKENS = 325;

function countPicture(source: Json | undefined, profile: Profile, tally: Tally): void {
  const data = isObject(source) && source.type === "base64" ? pictureSize(textOf(source.data)) : undefined;
  tally.other += pictureTokens(profile.picture, data);
}

function countDocument(block: JsonObject, profile: Profile, count: CountText, tally: Tally, depth: number): void {
  tally.text += count(textOf(block.title)) + count(textOf(block.context));
  const source = block.source;
  if (!isObject(source)) return;
  if (source.type === "text") tally.text += count(textOf(source.data));
  else if (source.type === "content") countContent(source.content, profile, count, tally, depth);
  else if (source.type === "base64") tally.other += documentTokens(textOf(source.data).length);
  else tally.other += REMOTE_DOCUMENT_TOKENS;
}

/** The API's own nesting is two deep (a document in a tool's result); what lies deeper is counted as loose text. */
const DEEPEST = 4;

function countContent(content: Json | undefined, profile: Profile, count: CountText, tally: Tally, depth = 0): void {
  if (typeof content === "string") {
    tally.text += count(content);
    return;
  }
  for (const block of listOf(content)) {
    if (!isObject(block) || depth > DEEPEST) tally.text += countLoose(block, count, false);
    else if (block.type === "text") tally.text += count(textOf(block.text));
    else if (block.type === "thinking") tally.text += count(textOf(block.thinking));
    else if (block.type === "image") countPicture(block.source, profile, tally);
    else if (block.type === "document") countDocument(block, profile, count, tally, depth + 1);
    else if (block.type === "tool_use") tally.text += count(textOf(block.name)) + countLoose(block.input, count, true);
    else if (block.type === "tool_result") {
      tally.text += count(textOf(block.tool_use_id));
      countContent(block.content, profile, count, tally, depth + 1);
    } else tally.text += countLoose(block, count, false);
  }
}

function countTools(request: JsonObject, profile: Profile, count: CountText, tally: Tally): void {
  const tools = listOf(request.tools);
  if (tools.length === 0) return;
  const choice = isObject(request.tool_choice) ? request.tool_choice.type : "auto";
  tally.other += choice === "any" || choice === "tool" ? profile.overhead.tools.forced : profile.overhead.tools.free;
  tools.forEach((tool, i) => {
    if (!isObject(tool)) return;
    if (typeof tool.type === "string" && tool.type !== "custom") {
      tally.other += OWN_TOOL_TOKENS;
      return;
    }
    if (i > 0) tally.other += profile.overhead.perTool;
    tally.text += count(textOf(tool.name));
    if (typeof tool.description === "string") {
      tally.text += count(tool.description);
      tally.other += profile.overhead.description;
    }
    countSchema(tool.input_schema, count, profile.overhead, tally);
  });
}

export function tallyAnthropic(request: JsonObject, profile: Profile, count: CountText): Tally {
  const tally: Tally = { text: 0, other: profile.overhead.base };
  countContent(request.system, profile, count, tally);
  for (const message of listOf(request.messages)) {
    tally.other += profile.overhead.perMessage;
    countContent(isObject(message) ? message.content : message, profile, count, tally);
  }
  countTools(request, profile, count, tally);
  for (const format of [request.output_format, isObject(request.output_config) ? request.output_config.format : undefined]) {
    if (isObject(format)) countSchema(format.schema, count, profile.overhead, tally);
  }
  return tally;
}
