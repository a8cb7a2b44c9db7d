/** Reading a request body: JSON or a clear refusal that never repeats what the client wrote. */
import { type ByteText, decodeUtf8 } from "../contract/bytes.ts";
import { GatewayError } from "../contract/errors.ts";
import { hasMorePieces, members, memberValue } from "../contract/json.ts";
import { findMistake } from "./mistake.ts";

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

/** A member of an object that was parsed; "" where it is no text. */
export function textIn(object: object, name: string): ByteText {
  const value = (object as Record<string, unknown>)[name];
  return typeof value === "string" ? value : "";
}
