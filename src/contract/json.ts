/**
 * Reading and editing JSON as text. A client's body is edited where Weir must change it and is otherwise sent on byte for byte: numbers beyond
 * 2^53, the order of members and the spelling of strings all survive, which `JSON.parse` and `JSON.stringify` would not promise.
 *
 * Everything here expects text that `JSON.parse` has accepted, as byte text or as characters. For any other text the answer is useless, but nothing here
 * throws, loops for ever or recurses.
 */
import type { ByteText } from "./bytes.ts";

/** One member of an object; the offsets are into the text that it was found in. */
export interface Member {
  /** The key, decoded as far as JSON goes: escapes are resolved, bytes beyond ASCII are left as they are. */
  key: string;
  /** Offset of the key's opening quote. */
  keyStart: number;
  /** The value is `text.slice(start, end)`. */
  start: number;
  end: number;
}

/** What to change in an object. A name that occurs twice is changed in both places. */
export interface MemberEdits {
  /** Names to take out, each with one comma. */
  remove?: readonly string[];
  /** Old names and new ones. The values and their places stay. */
  rename?: Readonly<Record<string, string>>;
  /** Names and their new values (JSON text). A name that is absent is added at the end of the object. */
  set?: Readonly<Record<string, ByteText>>;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** The offset of the first character at or after `at` that is not JSON's white space. */
function skipSpace(text: string, at: number): number {
  for (let code = text.charCodeAt(at); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; code = text.charCodeAt(at)) at++;
  return at;
}

/** The offset after the string whose opening quote is at `at`. Jumps from quote to quote: a long prompt costs one native search. */
export function skipString(text: string, at: number): number {
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return text.length;
    let before = quote - 1;
    while (before > at && text.charCodeAt(before) === BACKSLASH) before--;
    // An even number of backslashes leaves the quote a quote.
    if ((quote - before) % 2 === 1) return quote + 1;
    from = quote + 1;
  }
}

/** The offset after the value that begins at `at`. Counts depth, so nesting costs no stack. */
function skipValue(text: string, at: number): number {
  let depth = 0;
  for (; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
      if (depth === 0) return at;
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (code === COMMA || code <= 0x20)) return at;
    at++;
  }
  return at;
}

function decodeKey(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  if (!raw.includes("\\")) return raw;
  try {
    return JSON.parse(text.slice(start, end)) as string;
  } catch {
    return raw;
  }
}

/**
 * The members of the object `text`, in order, duplicates included; empty where `text` is not an object. Linear; about a microsecond for a small chat body.
 * @param most - How many members are looked for: a bound for texts whose author must not decide the cost
 */
export function members(text: string, most = Number.POSITIVE_INFINITY): Member[] {
  const found: Member[] = [];
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACE) return found;
  at = skipSpace(text, at + 1);
  while (found.length < most && text.charCodeAt(at) === QUOTE) {
    const keyStart = at;
    at = skipString(text, at);
    const key = decodeKey(text, keyStart, at);
    at = skipSpace(text, at);
    if (text.charCodeAt(at) !== COLON) break;
    const start = skipSpace(text, at + 1);
    at = skipValue(text, start);
    if (at === start) break;
    found.push({ key, keyStart, start, end: at });
    at = skipSpace(text, at);
    if (text.charCodeAt(at) !== COMMA) break;
    at = skipSpace(text, at + 1);
  }
  return found;
}

/** The JSON text of one member's value (the last of that name, which is the one `JSON.parse` takes), or undefined. */
export function memberValue(text: ByteText, name: string, all: readonly Member[] = members(text)): ByteText | undefined {
  for (let at = all.length - 1; at >= 0; at--) {
    const member = all[at] as Member;
    if (member.key === name) return text.slice(member.start, member.end);
  }
  return undefined;
}

/** A letter, a digit or `_` that JSON need not escape. */
const ESCAPED_WORD = /\\u00(?:3[0-9]|[46][1-9a-f]|[57][0-9a]|5f)/i;

/** Whether a name or a word may be spelled with escapes somewhere (`item_referenc\u0065`): then a search of the text for it may miss it. */
export function hidesWords(text: ByteText): boolean {
  return text.includes("\\u00") && ESCAPED_WORD.test(text);
}

/** A JSON string's characters (bytes beyond ASCII as they are); undefined for any other value. */
export function stringValue(value: ByteText): string | undefined {
  return value.startsWith('"') ? decodeKey(value, 0, value.length) : undefined;
}

const NOTHING: Readonly<Record<string, never>> = {};

/**
 * The object `text` with these changes and every other byte as it was. Text that is no object comes back as it is. A name that is both removed
 * and set moves to the end. It is not checked whether a new name is in the object already.
 * @param all - The members of `text`, where the caller has them already.
 */
export function editMembers(text: ByteText, edits: MemberEdits, all: readonly Member[] = members(text)): ByteText {
  const open = skipSpace(text, 0);
  if (text.charCodeAt(open) !== OPEN_BRACE) return text;
  const { remove = [], rename = NOTHING, set = NOTHING } = edits;
  let lastKept = all.length - 1;
  while (lastKept >= 0 && remove.includes((all[lastKept] as Member).key)) lastKept--;
  const inPlace: string[] = [];
  let edited = "";
  let copied = 0;

  for (let at = 0; at <= lastKept; at++) {
    const member = all[at] as Member;
    const { key } = member;
    if (remove.includes(key)) {
      // Up to the next key: the comma after it goes too, and the white space before it is now before the next member.
      edited += text.slice(copied, member.keyStart);
      copied = all[at + 1]?.keyStart ?? member.end;
      continue;
    }
    if (Object.hasOwn(rename, key)) {
      edited += text.slice(copied, member.keyStart) + JSON.stringify(rename[key]);
      copied = skipString(text, member.keyStart);
    }
    if (Object.hasOwn(set, key)) {
      inPlace.push(key);
      edited += text.slice(copied, member.start) + set[key];
      copied = member.end;
    }
  }

  const kept = all[lastKept];
  edited += text.slice(copied, kept?.end ?? all[0]?.keyStart ?? open + 1);
  let separator = kept === undefined ? "" : ",";
  for (const name of Object.keys(set)) {
    if (inPlace.includes(name)) continue;
    edited += `${separator}${JSON.stringify(name)}:${set[name]}`;
    separator = ",";
  }
  return edited + text.slice(all.at(-1)?.end ?? open + 1);
}

/** `editMembers` on the object under `name`. Where there is no object, one is made of the members that are to be set. */
export function editNested(text: ByteText, name: string, edits: MemberEdits): ByteText {
  const value = memberValue(text, name);
  if (value?.startsWith("{")) return editMembers(text, { set: { [name]: editMembers(value, edits) } });
  return edits.set === undefined ? text : editMembers(text, { set: { [name]: editMembers("{}", edits) } });
}

/** The offsets of each item in the array `text`, in order; empty where `text` is not an array. `most`: the same as for `members`. */
export function elements(text: string, most = Number.POSITIVE_INFINITY): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let at = skipSpace(text, 0);
  if (text.charCodeAt(at) !== OPEN_BRACKET) return found;
  while (found.length < most) {
    const start = skipSpace(text, at + 1);
    const end = skipValue(text, start);
    if (end === start) return found;
    found.push({ start, end });
    at = skipSpace(text, end);
    if (text.charCodeAt(at) !== COMMA) return found;
  }
  return found;
}

/** The array `text` with each item as `edit` returns it, and every other byte as it was; `text` itself where it is no array, or nothing has changed. */
export function editElements(text: ByteText, edit: (item: ByteText, index: number) => ByteText): ByteText {
  let edited = "";
  let copied = 0;
  for (const [index, { start, end }] of elements(text).entries()) {
    const item = text.slice(start, end);
    const changed = edit(item, index);
    if (changed === item) continue;
    edited += text.slice(copied, start) + changed;
    copied = end;
  }
  return copied === 0 ? text : edited + text.slice(copied);
}

/**
 * Whether `text` has more than `most` pieces: names, values and open brackets. Each costs a parser about a hundred bytes, even the shortest. The search stops at
 * the first piece too many. A long string costs one native search, so that a prompt of megabytes takes milliseconds.
 */
export function hasMorePieces(text: string, most: number): boolean {
  // Each piece takes at least one character.
  if (text.length <= most) return false;
  let pieces = 0;
  for (let at = 0; at < text.length && pieces <= most; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(text, at);
      continue;
    }
    if (code === COMMA || code === COLON || code === OPEN_BRACE || code === OPEN_BRACKET) pieces++;
    at++;
  }
  return pieces > most;
}
