/** A large answer without the cost of parsing it: awkward JSON takes twenty times as long to parse as to look through, and its objects many times its memory. */
import type { ByteText } from "../../src/contract/bytes.ts";
import { type Member, members } from "../../src/contract/json.ts";
import { asObject } from "./failure.ts";

/** Up to here an answer is parsed: 20 ms at worst. */
export const MOST_PARSED = 1024 * 1024;
/** And of a larger one its members up to here: usage, identity, an error. */
const MOST_MEMBER = 64 * 1024;
/** Answers have a dozen members. */
const MOST_MEMBERS = 1_000;

/**
 * The object that `text` is, or undefined where it is none. Of a large one only the frame is looked at: members that are large themselves are
 * empty arrays, objects or strings here, and what stands in them may be no JSON. Strings are byte text.
 */
export function outline(text: ByteText): Record<string, unknown> | undefined {
  if (text.length <= MOST_PARSED) return parseObject(text);
  const all = members(text, MOST_MEMBERS);
  const last = all.at(-1);
  if (last === undefined || text.slice(last.end).trim() !== "}") return undefined;
  const parts: Record<string, unknown> = Object.create(null);
  for (const member of all) {
    const part = outlined(text, member);
    if (part === undefined) return undefined;
    parts[member.key] = part.value;
  }
  return parts;
}

function outlined(text: ByteText, { start, end }: Member): { value: unknown } | undefined {
  if (end - start > MOST_MEMBER) {
    const empty = { "[": [], "{": {}, '"': "" }[text.charAt(start)];
    return empty === undefined ? undefined : { value: empty };
  }
  try {
    return { value: JSON.parse(text.slice(start, end)) };
  } catch {
    return undefined;
  }
}

function parseObject(text: ByteText): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}
