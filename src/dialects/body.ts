/** Reads a request body as JSON, or refuses it with a clear message that never repeats the text of the body. */
import { type ByteText, decodeUtf8 } from "../contract/bytes.ts";
import { type ErrorKind, GatewayError } from "../contract/errors.ts";
import { hasMorePieces, members, memberValue } from "../contract/json.ts";
import { isObject } from "../contract/objects.ts";
import { findMistake } from "./mistake.ts";

/**
 * The most names, values and brackets that a body may have. Each of them costs a model at least two tokens in a prompt, and one in a list of tokens to embed,
 * so no model takes as many. A body of 32 MiB with nothing but `{}` would have forty times as many, and take thirty times its size when parsed.
 */
export const MOST_PIECES = 500_000;

/** @param where - the field or header that is wrong, as the client writes it */
export function refusal(kind: ErrorKind, where: string, text: string): GatewayError {
  return new GatewayError(kind, { message: `${where}: ${text}`, param: where });
}

/**
 * @throws GatewayError `invalid_request` where the body is not one JSON object, or has more pieces than any model reads. The message names the place of the
 * mistake, and is the same on every runtime.
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
  if (isObject(value)) return value;
  throw new GatewayError("invalid_request", { message: "The request body must be a JSON object." });
}

/**
 * Refuses a body with one of `names` twice at the top level. Readers differ in which of the two they use, so the checked value could
 * differ from the value that the upstream uses, and an edit could miss one of the two.
 */
export function refuseDuplicates(body: ByteText, names: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (const { key } of members(body)) {
    if (!names.has(key)) continue;
    if (seen.has(key)) throw refusal("invalid_request", key, "appears twice in the request body");
    seen.add(key);
  }
}

/** A parsed top-level string as characters. `JSON.parse` of byte text leaves UTF-8 undecoded, while escapes in the same string are decoded already. */
export function readName(body: ByteText, name: string, parsed: string): string {
  if (/^[ -~]*$/.test(parsed)) return parsed;
  const characters: unknown = JSON.parse(decodeUtf8(memberValue(body, name) ?? '""'));
  return typeof characters === "string" ? characters : parsed;
}

/** A text member of a parsed object; "" where it is missing or no text. */
export function textIn(object: object, name: string): ByteText {
  const value = (object as Record<string, unknown>)[name];
  return typeof value === "string" ? value : "";
}
