/**
 * References to deferred tools in the results of a client's own tool search: Claude Code's `ToolSearch`. They need the flag of the search. For a model
 * without it no tool is deferred, so the name alone says what was found. Source: platform.claude.com, "Tool search tool", custom implementation.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, memberValue, stringValue } from "../../../src/contract/json.ts";
import { type Dropped, flagOf, type Takes } from "./takes.ts";

const NAME = "content.tool_reference";
const DEFERRED = "tools.defer_loading";

/**
 * The messages unchanged where the model has the search: a reference is to a deferred tool, and that tool has added the flag. Otherwise with the names of
 * the tools in place of the references. `isHidden`: names may be written with escapes.
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

/** A message or block in which each block of its content has been edited. */
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
