/**
 * The client's Anthropic body in the form that InvokeModel takes. The text is edited, not rebuilt. What Bedrock cannot do is refused with the field's name;
 * Bedrock's own refusal would be "Extra inputs are not permitted".
 * Sources: AWS, "Anthropic Claude Messages API: request and response"; platform.claude.com, "Claude on Amazon Bedrock (legacy)" (InvokeModel).
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, hidesWords, members } from "../../../src/contract/json.ts";
import { MILLION, readHints } from "../../../src/dialects/anthropic/anthropic.ts";
import { asObject, refusal } from "../failure.ts";
import type { Job } from "../provider.ts";
import { acceptedBetas } from "./betas.ts";
import { editMark, editMarks, editMessageMarks, holdsMarks, type Markable, placeMark, takesAllMarks } from "./marks.ts";
import { moveSystem } from "./moved-system.ts";
import { checkFormat, editOutput, editThinking, STRUCTURED } from "./output.ts";
import { editStrays, editSystemStrays } from "./strays.ts";
import { editSystem } from "./system.ts";
import { Dropped, type Takes } from "./takes.ts";
import { editReferences, editTools, mayNeedEdit } from "./tools.ts";

/** The version that all of Bedrock's models take, whatever version the client's header names. */
const BEDROCK_VERSION = '"bedrock-2023-05-31"';
const CONTEXT_MANAGEMENT = "context-management-2025-06-27";
const COMPACT = "compact-2026-01-12";
const MILLION_BETA = "context-1m-2025-08-07";

/** Fields of Anthropic's own API, with the values that ask for nothing that Bedrock lacks; those values, and null, are taken out. */
const UNAVAILABLE: Readonly<Record<string, readonly ByteText[]>> = {
  container: [],
  mcp_servers: ["[]"],
  fallbacks: ["[]"],
  thread: [],
  inference_geo: [],
  speed: ['"standard"'],
  // Bedrock's own tier is the standard one.
  service_tier: ['"auto"', '"standard_only"'],
};

const UNAVAILABLE_ENTRIES = Object.entries(UNAVAILABLE);

/**
 * Everything in messages that may have to be edited or refused has one of these words. One search for all of them nearly always finds nothing; a search
 * for each of them would stop at every quote again.
 */
const WORDS_OF_MESSAGES = /"(?:url|file|container_upload|system|scope|ttl)"/;

/** What the searches have found: whether a part must be read. */
interface Look {
  /** Names and words may be written with escapes: then every part must be read. */
  isHidden: boolean;
  messages: boolean;
  tools: boolean;
}

/** A body for Bedrock, and what the caller must know about the body. */
export interface Prepared {
  body: ByteText;
  /** The beta flags in the body. */
  betas: readonly string[];
  /** See `Job.dropped`. */
  dropped: string;
}

/** @throws GatewayError `invalid_request` for what Bedrock or the model cannot do */
export function bedrockBody({ body, hints }: Pick<Job, "body" | "hints">, takes: Takes): Prepared {
  const fields = new Map<string, ByteText>();
  const all = members(body);
  for (const { key, start, end } of all) {
    if (fields.has(key) && (isEdited(key) || takes.without.has(key))) throw refusal(key, "appears twice in the request body");
    fields.set(key, body.slice(start, end));
  }
  const set: Record<string, ByteText> = { anthropic_version: BEDROCK_VERSION };
  const remove = ["model", "stream", "betas"];
  const dropped = new Dropped();
  for (const [name, empty] of UNAVAILABLE_ENTRIES) {
    const value = fields.get(name);
    if (value === undefined) continue;
    if (value !== "null" && !empty.includes(value.replace(/\s+/g, "")))
      throw refusal(name, "is not available for this model, which is served by AWS Bedrock");
    remove.push(name);
  }
  // LangChain's values for "not set".
  for (const name of ["top_k", "top_p"]) if (Number(fields.get(name) ?? 0) === -1) remove.push(name);
  for (const name of takes.without) {
    if (!fields.has(name)) continue;
    remove.push(name);
    dropped.add(name);
  }

  // Where names and words may be written with escapes, a search proves nothing. One check for all searches below.
  const isHidden = hidesWords(body);
  const sent = { messages: fields.get("messages") ?? "[]", system: fields.get("system"), tools: fields.get("tools") };
  const look = { isHidden, messages: isHidden || WORDS_OF_MESSAGES.test(sent.messages), tools: isHidden || mayNeedEdit(sent.tools) };
  if (look.messages) refuseRemoteContent(sent.messages, isHidden);
  const betas = [...readHints(hints).betas, ...betaList(fields, "anthropic_beta"), ...betaList(fields, "betas")];
  const model = fields.get("model")?.slice(1, -1);
  if (model !== undefined && MILLION.test(model) && !takes.fields.has("window.million")) {
    if (takes.betas.has(MILLION_BETA)) betas.push(MILLION_BETA);
    else dropped.add("[1m]");
  }
  /** Sets a member that has changed, and takes out one that is undefined. */
  const put = (name: string, value: ByteText | undefined, before: ByteText): void => {
    if (value === undefined) remove.push(name);
    else if (value !== before) set[name] = value;
  };
  const thinking = fields.get("thinking");
  if (thinking !== undefined) put("thinking", editThinking(thinking, takes), thinking);
  const output = fields.get("output_config");
  if (output !== undefined) put("output_config", editOutput(output, takes, dropped), output);
  const format = fields.get("output_format");
  if (format !== undefined) {
    checkFormat(format, takes);
    betas.push(STRUCTURED);
  }
  editContents(fields, sent, look, set, remove, betas, takes, dropped);

  const accepted = acceptedBetas(betas, takes, dropped);
  editContextManagement(fields.get("context_management"), accepted, remove, takes, dropped);
  if (accepted.length > 0) set.anthropic_beta = JSON.stringify(accepted);
  else remove.push("anthropic_beta");
  return { body: editMembers(body, { remove, set }, all), betas: accepted, dropped: dropped.text };
}

/** Edits messages, system prompt and tools. */
function editContents(
  fields: ReadonlyMap<string, ByteText>,
  sent: Markable,
  look: Look,
  set: Record<string, ByteText>,
  remove: string[],
  betas: string[],
  takes: Takes,
  dropped: Dropped,
): void {
  const { isHidden } = look;
  let { messages, system, tools } = sent;
  if (tools !== undefined && (look.tools || takes.without.size > 0)) tools = editTools(tools, isHidden, betas, takes, dropped);
  if (look.messages && (isHidden || messages.includes('"system"'))) {
    if (takes.fields.has("messages.role.system")) messages = editSystem(messages, isHidden, betas, takes, dropped);
    else messages = moveSystem(messages, takes, dropped);
  }
  if (sent.tools !== undefined && look.tools) messages = editReferences(messages, sent.tools, isHidden, takes, dropped);
  if (takes.without.size > 0) {
    messages = editStrays(messages, isHidden, takes, dropped);
    if (system !== undefined) system = editSystemStrays(system, takes, dropped);
  }
  if (!takesAllMarks(takes)) {
    const holds = (text: ByteText, words: boolean) => isHidden || holdsMarks(text, words, takes);
    if (holds(messages, look.messages)) messages = editMessageMarks(messages, takes, dropped);
    if (system !== undefined && holds(system, true)) system = editMarks(system, takes, dropped);
    if (tools !== undefined && holds(tools, look.tools)) tools = editMarks(tools, takes, dropped);
  }
  const top = fields.get("cache_control");
  if (top !== undefined) {
    const mark = top === "null" ? undefined : editMark(top, takes, dropped);
    if (mark === undefined || !takes.fields.has("automatic_cache_control")) {
      remove.push("cache_control");
      const placed = mark === undefined ? {} : placeMark(mark, { messages, system, tools });
      if (placed === "full") dropped.add("cache_control");
      else {
        messages = placed.messages ?? messages;
        system = placed.system ?? system;
        tools = placed.tools ?? tools;
      }
    } else if (mark !== top) set.cache_control = mark;
  }
  if (messages !== sent.messages) set.messages = messages;
  if (system !== undefined && system !== sent.system) set.system = system;
  if (tools !== undefined && tools !== sent.tools) set.tools = tools;
}

/** Context management needs a flag. The flag is added where the client has not sent it and the model takes it. */
function editContextManagement(value: ByteText | undefined, accepted: string[], remove: string[], takes: Takes, dropped: Dropped): void {
  if (value === undefined) return;
  if (value !== "null") {
    if (accepted.includes(CONTEXT_MANAGEMENT) || accepted.includes(COMPACT)) return;
    const flag = value.includes('"compact_') ? COMPACT : CONTEXT_MANAGEMENT;
    if (takes.betas.has(flag)) return void accepted.push(flag);
    dropped.add("context_management");
  }
  remove.push("context_management");
}

/** Members that Weir edits. If one of them came twice, it would not be known which one Bedrock reads. */
const EDITED = new Set(
  `model stream betas anthropic_beta anthropic_version top_k top_p tools messages system thinking output_config output_format context_management
  cache_control`.split(/\s+/),
);

function isEdited(name: string): boolean {
  return EDITED.has(name) || UNAVAILABLE[name] !== undefined;
}

/** The flags in a list of the body. */
function betaList(fields: ReadonlyMap<string, ByteText>, name: string): string[] {
  const text = fields.get(name);
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  if (value === null) return [];
  if (Array.isArray(value) && value.every((flag) => typeof flag === "string")) return value;
  throw refusal(name, "must be an array of strings");
}

const REMOTE = /"type"\s*:\s*"(?:url|file|container_upload)"/;

/** Refuses addresses and file ids: Bedrock fetches nothing and has no Files API, and Weir fetches nothing for a client. */
function refuseRemoteContent(messages: ByteText, isHidden: boolean): void {
  if (!isHidden && !REMOTE.test(messages)) return;
  const list: unknown = JSON.parse(messages);
  if (Array.isArray(list))
    for (const [index, message] of list.entries()) refuseRemoteBlocks(asObject(message)?.content, `messages.${index}.content`);
}

function refuseRemoteBlocks(content: unknown, where: string): void {
  if (!Array.isArray(content)) return;
  for (const [index, item] of content.entries()) {
    const block = asObject(item);
    const path = `${where}.${index}`;
    if (block?.type === "container_upload")
      throw refusal(`${path}.type`, "uploads into a container are not available for this model, which is served by AWS Bedrock");
    if (block?.type === "tool_result") refuseRemoteBlocks(block.content, `${path}.content`);
    if (block?.type !== "image" && block?.type !== "document") continue;
    const source = asObject(block.source);
    if (source?.type === "content") refuseRemoteBlocks(source.content, `${path}.source.content`);
    if (source?.type !== "url" && source?.type !== "file") continue;
    const how = source.type === "url" ? "by URL" : "by file id";
    throw refusal(
      `${path}.source`,
      `${block.type}s ${how} are not available for this model, which is served by AWS Bedrock; send the data as base64`,
    );
  }
}
