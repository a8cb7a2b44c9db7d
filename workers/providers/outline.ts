/** Reads a large answer without parsing all of it: parsing hostile JSON takes twenty times as long as searching it, and many times its memory. */
import type { ByteText } from "../../src/contract/bytes.ts";
import { type Member, members } from "../../src/contract/json.ts";
import { asObject } from "./failure.ts";

/** Largest answer that is parsed whole, in characters: 20 ms at worst. */
export const MOST_PARSED = 1024 * 1024;
/** Largest member of a larger answer that is parsed: usage, identity, an error. */
const MOST_MEMBER = 64 * 1024;
/** Bound on the members of an answer; real answers have a dozen. */
const MOST_MEMBERS = 1_000;

/**
 * `text` as an object, or undefined where it is none. Of a large text only the frame is parsed: large members become empty arrays, objects or
 * strings in the result, and their contents are not checked. Strings are byte text.
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
