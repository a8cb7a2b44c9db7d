/**
 * The client's Anthropic body as InvokeModel takes it (`wire.md` §1.5). The text is edited, not rebuilt; what Bedrock cannot do (§1.12) is refused
 * with the field's name instead of being left to its "Extra inputs are not permitted".
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { editMembers, elements, hidesWords, members } from "../../../src/contract/json.ts";
import { readHints } from "../../../src/dialects/anthropic/anthropic.ts";
import { asObject } from "../failure.ts";
import type { Job } from "../provider.ts";
import { acceptedBetas, betaOfTool } from "./betas.ts";

/** Whatever the client's version header says: Bedrock has one version for all its models. */
const BEDROCK_VERSION = '"bedrock-2023-05-31"';
const FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14";

/** Fields of Anthropic's own API, with the values that ask for nothing Bedrock lacks; those are taken out, as is null. */
const UNAVAILABLE: Readonly<Record<string, readonly ByteText[]>> = {
  container: [],
  mcp_servers: ["[]"],
  fallbacks: ["[]"],
  thread: [],
  inference_geo: [],
  speed: ['"standard"'],
  // Bedrock's tier is the standard one.
  service_tier: ['"auto"', '"standard_only"'],
};

const UNAVAILABLE_ENTRIES = Object.entries(UNAVAILABLE);

/** @throws GatewayError `invalid_request` for what Bedrock cannot do. */
export function bedrockBody({ body, hints }: Pick<Job, "body" | "hints">, furtherBetas: ReadonlySet<string>): ByteText {
  const fields = new Map<string, ByteText>();
  const all = members(body);
  for (const { key, start, end } of all) {
    if (fields.has(key) && isEdited(key)) throw refusal(key, "stands twice in the request body");
    fields.set(key, body.slice(start, end));
  }
  const set: Record<string, ByteText> = { anthropic_version: BEDROCK_VERSION };
  const remove = ["model", "stream", "betas"];
  for (const [name, empty] of UNAVAILABLE_ENTRIES) {
    const value = fields.get(name);
    if (value === undefined) continue;
    if (value !== "null" && !empty.includes(value.replace(/\s+/g, "")))
      throw refusal(name, "is not available for this model, which is served by AWS Bedrock");
    remove.push(name);
  }
  // LangChain's way of leaving them out.
  for (const name of ["top_k", "top_p"]) if (Number(fields.get(name) ?? 0) === -1) remove.push(name);

  refuseRemoteContent(fields.get("messages"));
  const betas = [...readHints(hints).betas, ...betaList(fields, "anthropic_beta"), ...betaList(fields, "betas")];
  const tools = readTools(fields.get("tools"), betas);
  if (tools !== undefined) set.tools = tools;
  const accepted = acceptedBetas(betas, furtherBetas);
  if (accepted.length > 0) set.anthropic_beta = JSON.stringify(accepted);
  else remove.push("anthropic_beta");
  return editMembers(body, { remove, set }, all);
}

const EDITED = new Set(["model", "stream", "betas", "anthropic_beta", "anthropic_version", "top_k", "top_p", "tools", "messages"]);

function isEdited(name: string): boolean {
  return EDITED.has(name) || UNAVAILABLE[name] !== undefined;
}

function refusal(param: string, text: string): GatewayError {
  return new GatewayError("invalid_request", { message: `${param}: ${text}`, param });
}

function betaList(fields: ReadonlyMap<string, ByteText>, name: string): string[] {
  const value: unknown = JSON.parse(fields.get(name) ?? "null");
  if (value === null) return [];
  if (Array.isArray(value) && value.every((flag) => typeof flag === "string")) return value;
  throw refusal(name, "must be an array of strings");
}

/** A tool that may need a look: of a vendor's dated type, or with the field that Bedrock takes as a flag. The names may also stand in a description. */
const TYPED_TOOL = /_20[0-9]{6}"|"mcp_toolset"|"eager_input_streaming"/;
const SERVER_TOOL = /^(?:web_search|web_fetch|code_execution|advisor)(?:_|$)|^mcp_toolset$/;

/** Adds the flags that the tools need to `betas`; returns the tools where they had to be changed. */
function readTools(text: ByteText | undefined, betas: string[]): ByteText | undefined {
  if (text === undefined || !(TYPED_TOOL.test(text) || hidesWords(text))) return undefined;
  let edited = "";
  let copied = 0;
  for (const [index, { start, end }] of elements(text).entries()) {
    const tool = asObject(JSON.parse(text.slice(start, end)));
    const type = typeof tool?.type === "string" ? tool.type : "";
    if (SERVER_TOOL.test(type))
      throw refusal(
        `tools.${index}.type`,
        `the server tool "${type.slice(0, 60)}" is not available for this model, which is served by AWS Bedrock`,
      );
    const beta = betaOfTool(type);
    if (beta !== undefined) betas.push(beta);
    if (tool?.eager_input_streaming === undefined) continue;
    if (tool.eager_input_streaming === true) betas.push(FINE_GRAINED);
    edited += text.slice(copied, start) + editMembers(text.slice(start, end), { remove: ["eager_input_streaming"] });
    copied = end;
  }
  return copied === 0 ? undefined : edited + text.slice(copied);
}

const NAMED = ['"url"', '"file"', '"container_upload"'];
const REMOTE = /"type"\s*:\s*"(?:url|file|container_upload)"/;

/** Bedrock fetches nothing and has no Files API, and Weir fetches nothing for a client. */
function refuseRemoteContent(messages: ByteText | undefined): void {
  if (messages === undefined) return;
  // Three searches of the text decide nearly always that there is nothing to parse.
  const spelled = NAMED.some((name) => messages.includes(name)) && REMOTE.test(messages);
  if (!spelled && !hidesWords(messages)) return;
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
