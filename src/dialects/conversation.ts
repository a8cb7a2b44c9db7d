/** Finds which requests belong to one conversation: they name it, or begin with the same words. The requests have passed their check, which ignores some members. */
import { hashText } from "../contract/hash.ts";
import { isObject } from "../contract/objects.ts";

/** Blocks of a message that are read: an agent's first user message has a few, and their text stays the same from turn to turn. */
const MOST_BLOCKS = 4;

/** A number for the first name that is a text; undefined where none is. */
export function namedConversation(...names: unknown[]): number | undefined {
  for (const name of names) if (typeof name === "string" && name !== "") return hashText(name) || 1;
  return undefined;
}

/** A number for the words that a conversation begins with: texts, or lists of blocks. Other members, such as `cache_control`, change from turn to turn, and are ignored. */
export function conversationByHead(...parts: unknown[]): number {
  let hash = 0;
  for (const part of parts) {
    if (typeof part === "string") hash = hashText(part, hash);
    else if (Array.isArray(part)) for (const block of part.slice(0, MOST_BLOCKS)) hash = hashText(textOf(block), hash);
  }
  return hash || 1;
}

/** The content of the first message with this role. */
export function firstContent(messages: unknown, role: string): unknown {
  if (!Array.isArray(messages)) return undefined;
  return messages.find((message) => isObject(message) && message.role === role)?.content;
}

function textOf(block: unknown): string {
  return isObject(block) && typeof block.text === "string" ? block.text : "";
}
