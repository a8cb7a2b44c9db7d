/** The client's tools as the model takes them: flags that they need, members that go, and server tools, which nobody runs here. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, members } from "../../../src/contract/json.ts";
import { asObject } from "../failure.ts";
import { betaOfTool } from "./betas.ts";
import { refusal, whose } from "./refusal.ts";
import { type Dropped, flagOf, type Takes } from "./takes.ts";

const FINE_GRAINED = "fine-grained-tool-streaming-2025-05-14";
/** A tool that may need a look: of a vendor's dated type, or with a member that needs a flag. The names may also stand in a description. */
const DATED = /_20[0-9]{6}"/;
const WORTH_A_LOOK = /"(?:mcp_toolset|eager_input_streaming|defer_loading|input_examples|allowed_callers)"/;
/** And what only some models take, with the members of marks. */
const WORDS = /"(?:mcp_toolset|eager_input_streaming|defer_loading|input_examples|allowed_callers|strict|scope|ttl)"/;

/** One search for all that may have to be edited in tools: nearly always nothing of it is there. */
export function mayNeedEdit(tools: ByteText | undefined): boolean {
  return tools !== undefined && (DATED.test(tools) || WORDS.test(tools));
}
const SERVER_TOOL = /^(?:web_search|web_fetch|code_execution|advisor)(?:_|$)|^mcp_toolset$/;

/** Adds the flags that the tools need to `betas`; returns the tools as the model takes them. `isHidden`: names may be spelled with escapes. */
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

/** @throws GatewayError `invalid_request` for a tool that the model has not. */
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

/** Whether a member of a tool is to be left out; a flag that it needs and that the model has is added. */
function goes(key: string, value: unknown, index: number, betas: string[], takes: Takes, dropped: Dropped): boolean {
  const name = `tools.${key}`;
  if (takes.without.has(name)) {
    dropped.add(name);
    return true;
  }
  switch (key) {
    // It has become its flag.
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
      // Called by the model alone, as every tool is.
      if (value === null || (Array.isArray(value) && value.every((caller) => caller === "direct"))) return true;
      throw refusal(
        `tools.${index}.allowed_callers`,
        "programmatic tool calling is not available for this model, which is served by AWS Bedrock",
      );
    default:
      return false;
  }
}
