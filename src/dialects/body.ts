/** Reading a request body: JSON or a clear refusal that never repeats what the client wrote. */
import { type ByteText, decodeUtf8 } from "../contract/bytes.ts";
import { GatewayError } from "../contract/errors.ts";
import { hasMorePieces, members, memberValue } from "../contract/json.ts";

/**
 * Names, values and brackets that a body may have. A model reads at least two tokens for each in a prompt, and one in a list of tokens to embed, so
 * no model takes as many. 32 MiB of nothing but `{}` have forty times as many, and would be parsed to some thirty times their size.
 */
export const MOST_PIECES = 500_000;

/**
 * @throws GatewayError `invalid_request` where the body is not one JSON object, or has more pieces than any model reads; says where it went wrong,
 * alike on every runtime.
 */
export function parseObject(body: ByteText): object {
  if (hasMorePieces(body, MOST_PIECES)) {
    throw new GatewayError("invalid_request", {
      message: `The request body has more than ${MOST_PIECES} names and values in it, which is more than any model reads.`,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new GatewayError("invalid_request", { message: `invalid JSON: ${findMistake(body)}` });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new GatewayError("invalid_request", { message: "The request body must be a JSON object." });
}

/**
 * Refuses a body in which one of `names` stands twice at the top level: readers differ in which of the two they take, so what was checked here
 * could differ from what the upstream obeys, and an edit could leave one behind.
 */
export function refuseDuplicates(body: ByteText, names: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const { key } of members(body)) {
    if (!names.has(key)) continue;
    if (seen.has(key)) throw new GatewayError("invalid_request", { message: `${key}: stands twice in the request body`, param: key });
    seen.add(key);
  }
}

/** A parsed top-level string as characters. `JSON.parse` of byte text leaves UTF-8 undecoded, and an escape beside it must not be decoded twice. */
export function readName(body: ByteText, name: string, parsed: string): string {
  if (/^[ -~]*$/.test(parsed)) return parsed;
  const characters: unknown = JSON.parse(decodeUtf8(memberValue(body, name) ?? '""'));
  return typeof characters === "string" ? characters : parsed;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/** How far a mistake is looked for: the search costs many times what the parser does. */
const SEARCHED_BYTES = 1024 * 1024;

/** Where a text stops being JSON, in words. The engines' own messages quote the text and differ from each other. No recursion; linear. */
export function findMistake(text: ByteText): string {
  if (/^[ \t\r\n]*$/.test(text)) return "the body is empty";
  if (text.startsWith("\u00ef\u00bb\u00bf")) return "the body begins with a byte order mark";
  const open: string[] = [];
  let at = 0;
  let expects: "a value" | "a value or ]" | "a name in double quotes" | "a name in double quotes or }" | "a colon" | "more" = "a value";

  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  for (;;) {
    if (at > SEARCHED_BYTES) return "it goes wrong somewhere after the first MiB";
    take(SPACE);
    if (at >= text.length && open.length > 0) return "the body ends in the middle";
    const character = text[at];
    const inside = open.at(-1);
    if (expects === "more") {
      if (inside === undefined) return at >= text.length ? "it is nested too deeply" : `expected the end of the body at ${place(text, at)}`;
      if (character === inside) open.pop();
      else if (character === ",") expects = inside === "]" ? "a value" : "a name in double quotes";
      else return `expected a comma or ${inside} at ${place(text, at)}`;
      at++;
    } else if (expects === "a colon") {
      if (character !== ":") return `expected a colon at ${place(text, at)}`;
      at++;
      expects = "a value";
    } else if (character === inside && expects.endsWith(`or ${inside}`)) {
      open.pop();
      at++;
      expects = "more";
    } else if (character === '"') {
      const end = stringEnd(text, at);
      if (typeof end === "string") return end;
      at = end;
      expects = expects.startsWith("a name") ? "a colon" : "more";
    } else if (expects.startsWith("a value") && (character === "{" || character === "[")) {
      open.push(character === "{" ? "}" : "]");
      at++;
      expects = character === "{" ? "a name in double quotes or }" : "a value or ]";
    } else if (expects.startsWith("a value") && (take(NUMBER) || take(WORD))) expects = "more";
    else return `expected ${expects} at ${place(text, at)}`;
  }
}

/** The offset after the string that begins at `start`, or what is wrong with it. */
function stringEnd(text: ByteText, start: number): number | string {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return `an unescaped control character in a string at ${place(text, at)}`;
    if (code === 0x5c && !/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(++at, at + 5)))
      return `an unknown escape in a string at ${place(text, at)}`;
  }
  return `the string that begins at ${place(text, start)} does not end`;
}

/** Counts without splitting: a body may be nothing but line breaks. */
function place(text: ByteText, at: number): string {
  let line = 1;
  let lineStart = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < at; end = text.indexOf("\n", lineStart)) {
    line++;
    lineStart = end + 1;
  }
  return `line ${line}, column ${at - lineStart + 1}`;
}
