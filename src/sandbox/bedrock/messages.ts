/** Checks the messages of a body: roles, contents, blocks, tool calls and their results. Sources: see `check.ts` and `rules.ts`. */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects } from "../json.ts";
import { readPicture } from "../model/picture.ts";
import type { Seal } from "../seal.ts";
import { checkMark } from "./cache.ts";
import { onlyMembers, validation } from "./errors.ts";
import type { Model } from "./models.ts";
import type { Rules } from "./rules.ts";

/** The types of blocks that each role may send. */
const BLOCKS: Readonly<Record<string, readonly string[]>> = {
  user: ["text", "image", "document", "tool_result", "search_result"],
  assistant: ["text", "thinking", "redacted_thinking", "tool_use", "compaction"],
  system: ["text"],
};
/** The members that a block may have beside its type. Others are refused. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  text: ["text", "cache_control", "citations"],
  image: ["source", "cache_control"],
  document: ["source", "title", "context", "citations", "cache_control"],
  search_result: ["source", "title", "content", "citations", "cache_control"],
  thinking: ["thinking", "signature"],
  redacted_thinking: ["data"],
  tool_use: ["id", "name", "input", "cache_control"],
  tool_result: ["tool_use_id", "content", "is_error", "cache_control"],
  tool_reference: ["tool_name"],
  compaction: ["content", "cache_control"],
};
const TOOL_SEARCH = "tool-search-tool-2025-10-19";
const TOOL_CHANGES = "mid-conversation-tool-changes-2026-07-01";
const EFFORT_CHANGES = "mid-conversation-output-config-2026-07-01";
const CLEAR_AT = "mid-conversation-system-clear-at-2026-08-21";
/** Blocks that Anthropic's tool search adds to an answer, and that a client sends back. */
const SEARCH_BLOCKS = ["server_tool_use", "tool_search_tool_result"];
const FIRST_WITHOUT_PREFILL = 4.6;

/** @throws Refusal 400 for messages that the service refuses */
export function checkMessages(body: JsonObject, model: Model, rules: Rules, betas: readonly string[], seal: Seal): void {
  const { messages } = body;
  if (messages === undefined) throw validation("messages: Field required");
  if (!Array.isArray(messages)) throw validation("messages: Input should be a valid list");
  if (messages.length === 0) throw validation("messages: at least one message is required");
  let called: string[] = [];
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) throw validation(`messages.${index}: Input should be a valid dictionary`);
    const { role } = message;
    if (role !== "user" && role !== "assistant" && !(role === "system" && rules.system)) {
      throw validation(`messages.${index}.role: Input should be 'user' or 'assistant'`);
    }
    if (index === 0 && role !== "user" && !(role === "system" && isEmpty(message.content)))
      throw validation('messages: first message must use the "user" role');
    onlyMembers(message, ["role", "content", ...settings(role, betas)], `messages.${index}`);
    const allowed = BLOCKS[role] ?? [];
    const blocks = [
      ...allowed,
      ...(role === "system" && betas.includes(TOOL_CHANGES) ? ["tool_addition", "tool_removal"] : []),
      ...(role === "assistant" && betas.includes(TOOL_SEARCH) ? SEARCH_BLOCKS : []),
    ];
    const isSetting = role === "system" && isObject(message.output_config);
    if (role === "system" && !isEmpty(message.content)) checkPlace(messages, index);
    if (message.clear_at !== undefined) checkTurnScoped(message, index);
    if (!(isSetting && isEmpty(message.content)))
      checkContent(message.content, index, role, index === messages.length - 1, { allowed: blocks, rules, betas, seal });
    called = checkToolTurn(message, index, called);
  }
  if (called.length > 0) throw unanswered(messages.length - 1, called);
  checkThoughts(body, messages);
  checkPrefill(messages.at(-1), model);
}

/** Members that a system message may have, by the flags of the request. */
function settings(role: string, betas: readonly string[]): string[] {
  if (role !== "system") return [];
  return [...(betas.includes(EFFORT_CHANGES) ? ["output_config"] : []), ...(betas.includes(CLEAR_AT) ? ["clear_at"] : [])];
}

/**
 * A system message must follow a user's turn, or an assistant's turn that ends with the result of tool search. After it comes an assistant's turn, or
 * nothing.
 */
function checkPlace(messages: readonly unknown[], index: number): void {
  const isOther = (message: unknown) => isObject(message) && message.role !== "system";
  const before = messages.slice(0, index).findLast(isOther) as JsonObject | undefined;
  const after = messages.slice(index + 1).find(isOther) as JsonObject | undefined;
  const isSearch = before?.role === "assistant" && objects(before.content).at(-1)?.type === "tool_search_tool_result";
  if ((before?.role === "user" || isSearch) && (after === undefined || after.role === "assistant")) return;
  throw validation(
    `messages.${index}: a system message must follow a user message or a server tool result, and precede an assistant message or end the conversation`,
  );
}

/** Checks `clear_at`, which marks a message that the model sees for one turn only. */
function checkTurnScoped({ clear_at: until, content, output_config: config }: JsonObject, index: number): void {
  const place = `messages.${index}`;
  if (until === "never" || until === null) return;
  if (until !== "next_user_message") throw validation(`${place}.clear_at: Input should be 'next_user_message' or 'never'`);
  const scoped = "turn-scoped system message (clear_at: 'next_user_message')";
  if (objects(content).some(({ type }) => type !== "text"))
    throw validation(`${place}: a turn-scoped system message supports text blocks only (clear_at: 'next_user_message')`);
  if (config !== undefined) throw validation(`${place}: output_config is not permitted on a ${scoped}`);
  const marked = objects(content).findIndex(({ cache_control: mark }) => mark !== undefined);
  if (marked >= 0) throw validation(`${place}.content.${marked}: cache_control is not permitted on a ${scoped}`);
}

function isEmpty(content: unknown): boolean {
  return content === "" || (Array.isArray(content) && content.length === 0);
}

interface BlockRules {
  /** Types of blocks that are allowed. */
  allowed: readonly string[];
  rules: Rules;
  betas: readonly string[];
  seal: Seal;
}

function checkContent(content: unknown, index: number, role: string, isLast: boolean, within: BlockRules): void {
  const place = `messages.${index}.content`;
  if (typeof content === "string") {
    if (content === "" && !(isLast && role === "assistant"))
      throw validation(`messages.${index}: ${role} messages must have non-empty content`);
    return;
  }
  if (!Array.isArray(content)) throw validation(`${place}: Input should be a valid list`);
  if (content.length === 0 && !(isLast && role === "assistant")) throw validation(`${place}: Input should have at least one block`);
  for (const [at, block] of content.entries()) checkBlock(block, `${place}.${at}`, within);
}

function checkBlock(block: unknown, place: string, within: BlockRules): void {
  const { allowed, rules, betas, seal } = within;
  const type = isObject(block) ? block.type : undefined;
  if (!isObject(block) || typeof type !== "string" || !allowed.includes(type)) {
    throw validation(
      `${place}: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: ${allowed.map((each) => `'${each}'`).join(", ")}`,
    );
  }
  const members = MEMBERS[type];
  if (members !== undefined) onlyMembers(block, ["type", ...members], `${place}.${type}`);
  checkMark(block.cache_control, `${place}.${type}`, rules);
  if (type === "thinking" && !(typeof block.signature === "string" && seal.isOf(String(block.thinking), block.signature)))
    throw validation(`${place}: Invalid \`signature\` in \`thinking\` block`);
  if (type === "redacted_thinking" && !(typeof block.data === "string" && seal.isOf("", block.data)))
    throw validation(`${place}: Invalid \`data\` in \`redacted_thinking\` block`);
  if (type === "text") {
    if (typeof block.text !== "string") throw validation(`${place}.text.text: Field required`);
    if (block.text === "") throw validation("messages: text content blocks must be non-empty");
  }
  if (type === "image") checkImage(block.source, `${place}.image.source`);
  if (type === "document") checkDocument(block.source, `${place}.document.source`);
  if (type === "tool_result" && Array.isArray(block.content)) {
    const inside = ["text", "image", "document", "search_result", ...(betas.includes(TOOL_SEARCH) ? ["tool_reference"] : [])];
    for (const [at, inner] of block.content.entries())
      checkBlock(inner, `${place}.tool_result.content.${at}`, { ...within, allowed: inside });
  }
}

/** Only data inside the request is allowed, because Bedrock fetches nothing and has no Files API. */
function checkSource(source: unknown, place: string, allowed: readonly string[]): asserts source is JsonObject {
  if (!isObject(source)) throw validation(`${place}: Field required`);
  if (typeof source.type !== "string" || !allowed.includes(source.type)) {
    throw validation(
      `${place}: Input tag '${String(source.type)}' found using 'type' does not match any of the expected tags: ${allowed.map((each) => `'${each}'`).join(", ")}`,
    );
  }
}

function checkImage(source: unknown, place: string): void {
  checkSource(source, place, ["base64"]);
  const types = ["image/jpeg", "image/png", "image/gif", "image/webp"];
  if (typeof source.media_type !== "string" || !types.includes(source.media_type)) {
    throw validation(`${place}.base64.media_type: Input should be ${types.map((each) => `'${each}'`).join(", ")}`);
  }
  if (typeof source.data !== "string" || !isBase64(source.data)) throw validation(`${place}.base64.data: Invalid base64 data`);
  const picture = readPicture(source.data);
  if (picture === undefined) throw validation(`${place}.base64.data: Could not process image`);
  if (picture.mediaType !== source.media_type) {
    throw validation(
      `${place}.base64.data: The image was specified using the ${source.media_type} media type, but the image appears to be a ${picture.mediaType} image`,
    );
  }
}

/** Checks only the beginning and the end, because a picture can have megabytes. */
function isBase64(data: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(data.length > 2_000 ? data.slice(0, 1_000) + data.slice(-4) : data);
}

function checkDocument(source: unknown, place: string): void {
  checkSource(source, place, ["base64", "text", "content"]);
  if (source.type === "base64" && source.media_type !== "application/pdf")
    throw validation(`${place}.base64.media_type: Input should be 'application/pdf'`);
  if (source.type === "base64" && (typeof source.data !== "string" || source.data === ""))
    throw validation(`${place}.base64.data: Field required`);
}

/** Every call must have its result in the next message, and every result must have its call. Returns the ids of the calls in this message. */
function checkToolTurn(message: JsonObject, index: number, called: string[]): string[] {
  const blocks = objects(message.content);
  const results = blocks.filter((block) => block.type === "tool_result").map((block) => String(block.tool_use_id));
  const stray = results.find((id) => !called.includes(id));
  if (stray !== undefined) {
    throw validation(
      `messages.${index}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  }
  const missing = called.filter((id) => !results.includes(id));
  if (missing.length > 0) throw unanswered(index - 1, missing);
  return blocks.filter((block) => block.type === "tool_use").map((block) => String(block.id));
}

function unanswered(index: number, ids: string[]): Error {
  return validation(
    `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
}

/** With `thinking: enabled`, an assistant's turn that continues after a tool result must begin with its thoughts. */
function checkThoughts({ thinking }: JsonObject, messages: readonly unknown[]): void {
  if (!isObject(thinking) || thinking.type !== "enabled") return;
  const index = messages.findLastIndex((message) => isObject(message) && message.role === "assistant");
  const message = messages[index];
  const asked = messages.at(-1);
  if (!isObject(message) || !isObject(asked) || !objects(asked.content).some(({ type }) => type === "tool_result")) return;
  const first = objects(message.content)[0]?.type;
  if (first === undefined || first === "thinking" || first === "redacted_thinking") return;
  throw validation(
    `messages.${index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${String(first)}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`,
  );
}

function checkPrefill(last: unknown, model: Model): void {
  if (!isObject(last) || last.role !== "assistant") return;
  if (model.version >= FIRST_WITHOUT_PREFILL)
    throw validation("This model does not support assistant message prefill. The conversation must end with a user message.");
  const text = typeof last.content === "string" ? last.content : objects(last.content).at(-1)?.text;
  if (typeof text === "string" && /\s$/.test(text))
    throw validation("messages: final assistant content cannot end with trailing whitespace");
}
