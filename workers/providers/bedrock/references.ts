/**
 * References to deferred tools in the results of a client's own search of tools: Claude Code's `ToolSearch`. They need the flag of the search; for a model
 * without it no tool is deferred, and the name says what was found. Source: platform.claude.com, "Tool search tool", custom implementation.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, memberValue, stringValue } from "../../../src/contract/json.ts";
import { type Dropped, flagOf, type Takes } from "./takes.ts";

const NAME = "content.tool_reference";
const DEFERRED = "tools.defer_loading";

/**
 * The messages as they are where the model has the search: a reference is to a deferred tool, and that has brought the flag. Else with the tools' names in
 * the references' place. `isHidden`: names may be spelled with escapes.
 */
export function editReferences(messages: ByteText, tools: ByteText, isHidden: boolean, takes: Takes, dropped: Dropped): ByteText {
  if (flagOf(NAME, takes) !== undefined && flagOf(DEFERRED, takes) !== undefined) return messages;
  const isNamed = tools.includes('"defer_loading"') && messages.includes('"tool_reference"');
  if (!isNamed && !isHidden) return messages;
  return editElements(messages, (message) =>
    withContent(message, (block) => (typeOf(block) === "tool_result" ? withContent(block, (inner) => nameOf(inner, dropped)) : block)),
  );
}

function typeOf(block: ByteText): string | undefined {
  return stringValue(memberValue(block, "type") ?? "");
}

/** A message or block with each block of its content edited. */
function withContent(object: ByteText, edit: (block: ByteText) => ByteText): ByteText {
  const content = memberValue(object, "content");
  if (!content?.startsWith("[")) return object;
  const edited = editElements(content, edit);
  return edited === content ? object : editMembers(object, { set: { content: edited } });
}

function nameOf(block: ByteText, dropped: Dropped): ByteText {
  if (typeOf(block) !== "tool_reference") return block;
  dropped.add(NAME);
  const mark = memberValue(block, "cache_control");
  return `{"type":"text","text":${memberValue(block, "tool_name") ?? '"?"'}${mark === undefined ? "" : `,"cache_control":${mark}`}}`;
}
