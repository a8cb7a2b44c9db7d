import type { ByteText } from "../contract/bytes.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const DOT = 0x2e;
const MINUS = 0x2d;
const PLUS = 0x2b;
const ZERO = 0x30;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN = { object: 0x7b, list: 0x5b } as const;
const CLOSE = { object: 0x7d, list: 0x5d } as const;
const LINE_BREAK = 0x0a;
const LETTER_E = 0x65;
/** Bit that makes a capital ASCII letter a small one. */
const SMALL = 0x20;

/** Bytes that are searched. The place of a later mistake would be of little help. */
const SEARCHED_BYTES = 1024 * 1024;
const TOO_FAR = "the mistake is after the first MiB";

const WORDS = ["true", "false", "null"] as const;

/** What may come next: indexes of `EXPECTED`, since numbers compare faster than texts. */
const NEXT = { value: 0, item: 1, name: 2, member: 3, colon: 4, more: 5 } as const;
const EXPECTED = ["a value", "a value or ]", "a name in double quotes", "a name in double quotes or }"] as const;

/**
 * Finds where a text stops being JSON, and says so in words. The engines' own messages quote the text, and differ between engines. Each character is read once,
 * by its code, so that a bad body does not cost more than a good one. No recursion.
 */
export function findMistake(text: ByteText): string {
  let at = spaceEnd(text, 0);
  if (at >= text.length) return "the body is empty";
  if (text.startsWith("\u00ef\u00bb\u00bf")) return "the body begins with a byte order mark";
  /** The closing brackets of all objects and lists that are open. */
  const open: number[] = [];
  let next: number = NEXT.value;
  for (;;) {
    at = spaceEnd(text, at);
    if (at > SEARCHED_BYTES) return TOO_FAR;
    if (at >= text.length && open.length > 0) return "the body ends in the middle";
    const code = text.charCodeAt(at);
    const inside = open[open.length - 1];
    if (next === NEXT.more) {
      if (inside === undefined) return at >= text.length ? "it is nested too deeply" : `expected the end of the body at ${place(text, at)}`;
      if (code === inside) open.pop();
      else if (code === COMMA) next = inside === CLOSE.list ? NEXT.value : NEXT.name;
      else return `expected a comma or ${String.fromCharCode(inside)} at ${place(text, at)}`;
      at++;
    } else if (next === NEXT.colon) {
      if (code !== COLON) return `expected a colon at ${place(text, at)}`;
      at++;
      next = NEXT.value;
    } else if (code === inside && (next === NEXT.item || next === NEXT.member)) {
      open.pop();
      at++;
      next = NEXT.more;
    } else if (code === QUOTE) {
      const end = stringEnd(text, at);
      if (typeof end === "string") return end;
      at = end;
      next = next === NEXT.name || next === NEXT.member ? NEXT.colon : NEXT.more;
    } else if (next === NEXT.name || next === NEXT.member) return `expected ${EXPECTED[next]} at ${place(text, at)}`;
    else if (code === OPEN.object || code === OPEN.list) {
      open.push(code === OPEN.object ? CLOSE.object : CLOSE.list);
      at++;
      next = code === OPEN.object ? NEXT.member : NEXT.item;
    } else {
      const end = isNumeric(code) ? numberEnd(text, at) : wordEnd(text, at);
      if (end === at) return `expected ${EXPECTED[next]} at ${place(text, at)}`;
      at = end;
      next = NEXT.more;
    }
  }
}

/** The offset of the first character that is no white space, or the end of the search. */
function spaceEnd(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); at <= SEARCHED_BYTES && isSpace(code); ) code = text.charCodeAt(++at);
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === LINE_BREAK || code === 0x0d || code === 0x09;
}

function digitsEnd(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code >= ZERO && code <= ZERO + 9; ) code = text.charCodeAt(++at);
  return at;
}

/** The offset after the number that begins at `at`; `at` where none does. */
function numberEnd(text: string, at: number): number {
  const whole = text.charCodeAt(at) === MINUS ? at + 1 : at;
  let end = text.charCodeAt(whole) === ZERO ? whole + 1 : digitsEnd(text, whole);
  if (end === whole) return at;
  if (text.charCodeAt(end) === DOT) {
    const fraction = digitsEnd(text, end + 1);
    if (fraction > end + 1) end = fraction;
  }
  if ((text.charCodeAt(end) | SMALL) === LETTER_E) {
    const sign = text.charCodeAt(end + 1);
    const digits = sign === PLUS || sign === MINUS ? end + 2 : end + 1;
    const exponent = digitsEnd(text, digits);
    if (exponent > digits) end = exponent;
  }
  return end;
}

function isNumeric(code: number): boolean {
  return code === MINUS || (code >= ZERO && code <= ZERO + 9);
}

/** The offset after `true`, `false` or `null`; `at` where none of these begins there. */
function wordEnd(text: string, at: number): number {
  for (const word of WORDS) if (text.startsWith(word, at)) return at + word.length;
  return at;
}

const ESCAPED = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/;
const SIMPLE_ESCAPES = new Set(Array.from('"\\/bfnrt', (character) => character.charCodeAt(0)));

/** The offset after the string that begins at `start`, or the mistake in it. */
function stringEnd(text: ByteText, start: number): number | string {
  for (let at = start + 1; at < text.length; at++) {
    if (at > SEARCHED_BYTES) return TOO_FAR;
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code < 0x20) return `an unescaped control character in a string at ${place(text, at)}`;
    if (code !== BACKSLASH) continue;
    at++;
    if (!SIMPLE_ESCAPES.has(text.charCodeAt(at)) && !ESCAPED.test(text.slice(at, at + 5)))
      return `an unknown escape in a string at ${place(text, at)}`;
  }
  return `the string that begins at ${place(text, start)} does not end`;
}

/** Line and column in words. The text is not split into lines, because a body may consist of line breaks alone. */
function place(text: ByteText, at: number): string {
  let line = 1;
  let lineStart = 0;
  for (let offset = 0; offset < at; offset++) {
    if (text.charCodeAt(offset) !== LINE_BREAK) continue;
    line++;
    lineStart = offset + 1;
  }
  return `line ${line}, column ${at - lineStart + 1}`;
}
