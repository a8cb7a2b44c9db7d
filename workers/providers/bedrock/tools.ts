/** The client's tools as the model takes them: adds the flags that tools need, leaves members out, and refuses server tools, because Bedrock runs none. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import { asObject, refusal } from "../failure.ts";
import { betaOfTool } from "./betas.ts";
import { type Dropped, flagOf, type Takes, whose } from "./takes.ts";

const FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14";
/** Words of a tool that may need a change: a vendor's dated type, or a member that needs a flag. The words may also be part of a description. */
const DATED = /_20[0-9]{6}"/;
const WORTH_A_LOOK = /"(?:mcp_toolset|eager_input_streaming|defer_loading|input_examples|allowed_callers)"/;
/** The same names, those of members that only some models take, and those of members of marks. */
const WORDS = /"(?:mcp_toolset|eager_input_streaming|defer_loading|input_examples|allowed_callers|strict|scope|ttl)"/;

const SERVER_TOOL = /^(?:web_search|web_fetch|code_execution|advisor)(?:_|$)|^mcp_toolset$/;

/** Whether something in the tools may have to be edited: nearly always not. */
export function mayNeedEdit(tools: ByteText | undefined): boolean {
  return tools !== undefined && (DATED.test(tools) || WORDS.test(tools));
}

/** Adds the flags that the tools need to `betas`; returns the tools as the model takes them. `isHidden`: names may be written with escapes. */
export function editTools(text: ByteText, isHidden: boolean, betas: string[], takes: Takes, dropped: Dropped): ByteText {
  if (!isHidden && !isWorthALook(text, takes)) return text;
  return editElements(text, (item, index) => {
    const tool = asObject(JSON.parse(item));
    if (tool === undefined) return item;
    needFlags(tool, index, betas, takes);
    const remove = members(item)
      .map(({ key }) => key)
      .filter((key) => goes(key, tool[key], index, betas, takes, dropped));
    return remove.length === 0 ? item : editMembers(item, { remove });
  });
}

function isWorthALook(text: ByteText, { fields, without }: Takes): boolean {
  if (DATED.test(text) || WORTH_A_LOOK.test(text)) return true;
  if (!fields.has("tools.strict") && text.includes('"strict"')) return true;
  for (const name of without) if (name.startsWith("tools.") && text.includes(`"${name.slice(6)}"`)) return true;
  return false;
}

/** @throws GatewayError `invalid_request` for a tool that the model does not have */
function needFlags(tool: Record<string, unknown>, index: number, betas: string[], takes: Takes): void {
  const type = typeof tool.type === "string" ? tool.type : "";
  const param = `tools.${index}.type`;
  if (SERVER_TOOL.test(type))
    throw refusal(param, `the server tool "${type.slice(0, 60)}" is not available for this model, which is served by AWS Bedrock`);
  const beta = betaOfTool(type);
  if (beta !== undefined && !takes.betas.has(beta))
    throw refusal(param, `the tool "${type.slice(0, 60)}" is not available for ${whose(takes)} on AWS Bedrock`);
  if (beta !== undefined) betas.push(beta);
  if (tool.eager_input_streaming === true) betas.push(FINE_GRAINED);
}

/** Whether a member of a tool is to be left out; where the member needs a flag and the model has it, the flag is added. */
function goes(key: string, value: unknown, index: number, betas: string[], takes: Takes, dropped: Dropped): boolean {
  const name = `tools.${key}`;
  if (takes.without.has(name)) {
    dropped.add(name);
    return true;
  }
  switch (key) {
    // The flag replaces the member.
    case "eager_input_streaming":
      return true;
    case "strict":
      if (takes.fields.has(name)) return false;
      dropped.add(name);
      return true;
    case "defer_loading":
    case "input_examples": {
      const isAsked = value !== false && value !== null && !(Array.isArray(value) && value.length === 0);
      const flag = flagOf(name, takes);
      if (isAsked && flag !== undefined) {
        betas.push(flag);
        return false;
      }
      if (isAsked) dropped.add(name);
      return true;
    }
    case "allowed_callers":
      // The default: only the model calls the tool.
      if (value === null || (Array.isArray(value) && value.every((caller) => caller === "direct"))) return true;
      throw refusal(
        `tools.${index}.allowed_callers`,
        "programmatic tool calling is not available for this model, which is served by AWS Bedrock",
      );
    default:
      return false;
  }
}

const REFERENCE = "content.tool_reference";
const DEFERRED = "tools.defer_loading";

/**
 * References to deferred tools, in the results of a client's own tool search (`ToolSearch` of Claude Code). They need the flag of the search, which the
 * deferred tool has added where the model has it: then the messages stay unchanged. For a model without the search no tool is deferred, so the names of
 * the tools take the place of the references. `isHidden`: names may be written with escapes.
 * Source: platform.claude.com, "Tool search tool", custom implementation.
 */
export function editReferences(messages: ByteText, tools: ByteText, isHidden: boolean, takes: Takes, dropped: Dropped): ByteText {
  if (flagOf(REFERENCE, takes) !== undefined && flagOf(DEFERRED, takes) !== undefined) return messages;
  const isNamed = tools.includes('"defer_loading"') && messages.includes('"tool_reference"');
  if (!isNamed && !isHidden) return messages;
  return editElements(messages, (message) =>
    withContent(message, (block) => (typeOf(block) === "tool_result" ? withContent(block, (inner) => nameOf(inner, dropped)) : block)),
  );
}

function typeOf(block: ByteText): string | undefined {
  return stringValue(memberValue(block, "type") ?? "");
}

/** A message or block in which each block of its content has been edited. */
function withContent(object: ByteText, edit: (block: ByteText) => ByteText): ByteText {
  const content = memberValue(object, "content");
  if (!content?.startsWith("[")) return object;
  const edited = editElements(content, edit);
  return edited === content ? object : editMembers(object, { set: { content: edited } });
}

/** A text with the name of the tool in place of a reference; any other block unchanged. */
function nameOf(block: ByteText, dropped: Dropped): ByteText {
  if (typeOf(block) !== "tool_reference") return block;
  dropped.add(REFERENCE);
  const mark = memberValue(block, "cache_control");
  return `{"type":"text","text":${memberValue(block, "tool_name") ?? '"?"'}${mark === undefined ? "" : `,"cache_control":${mark}`}}`;
}
