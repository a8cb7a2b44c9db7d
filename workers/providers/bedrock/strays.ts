/** Members of messages and of their blocks that the model does not know, by the table or by Bedrock's refusals. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, members } from "../../../src/contract/json.ts";
import type { Dropped, Takes } from "./takes.ts";

/** The messages without the members that the model does not take. `isHidden`: names may be written with escapes. */
export function editStrays(messages: ByteText, isHidden: boolean, takes: Takes, dropped: Dropped): ByteText {
  const ofMessages = new Set<string>();
  const ofBlocks = new Set<string>();
  for (const name of takes.without) {
    const [where, key = ""] = name.split(".");
    if (where !== "messages" && where !== "content") continue;
    if (isHidden || messages.includes(`"${key}"`)) (where === "messages" ? ofMessages : ofBlocks).add(key);
  }
  if (ofMessages.size === 0 && ofBlocks.size === 0) return messages;
  return editElements(messages, (message) => without(message, ofMessages, ofBlocks, "messages", dropped));
}

/** The system prompt, with its blocks edited in the same way. */
export function editSystemStrays(system: ByteText, takes: Takes, dropped: Dropped): ByteText {
  const keys = new Set([...takes.without].filter((name) => name.startsWith("content.")).map((name) => name.slice(8)));
  if (keys.size === 0 || !system.startsWith("[")) return system;
  return editElements(system, (block) => without(block, keys, keys, "content", dropped));
}

function without(
  object: ByteText,
  own: ReadonlySet<string>,
  ofBlocks: ReadonlySet<string>,
  where: "messages" | "content",
  dropped: Dropped,
): ByteText {
  const all = members(object);
  const set: Record<string, ByteText> = {};
  const remove: string[] = [];
  for (const { key, start, end } of all) {
    if (own.has(key)) {
      remove.push(key);
      dropped.add(`${where}.${key}`);
    } else if (key === "content" && ofBlocks.size > 0 && object.charCodeAt(start) === 0x5b) {
      const content = object.slice(start, end);
      const edited = editElements(content, (block) => without(block, ofBlocks, ofBlocks, "content", dropped));
      if (edited !== content) set.content = edited;
    }
  }
  return remove.length === 0 && Object.keys(set).length === 0 ? object : editMembers(object, { remove, set }, all);
}
