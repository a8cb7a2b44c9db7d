/** Reads events of a stream by searches, without parsing: there are thousands of them a second. */
import type { ByteText } from "../../../src/contract/bytes.ts";

const PADDING_START = '","p":"';

/** Whether the rest of `payload`, from the quote at `end`, is only the padding against traffic analysis, or the end of the object. */
export function isPadding(payload: ByteText, end: number): boolean {
  if (payload.charCodeAt(end - 1) === 0x5c) return false;
  if (end === payload.length - 2) return payload.endsWith('"}');
  const padding = end + PADDING_START.length;
  return payload.startsWith(PADDING_START, end) && payload.endsWith('"}') && payload.indexOf('"', padding) === payload.length - 2;
}

/** Bytes of a delta's text as JSON writes it. The text is the last member, as in every known delta. A signature does not count as text of the model. */
export function textLength(json: ByteText): number {
  return json.includes('"signature_delta"') ? 0 : Math.max(0, json.lastIndexOf('"') - json.lastIndexOf('":"') - 3);
}

/** A JSON string in ASCII only: so it is correct as byte text, whatever characters the name has. */
export function asciiJson(characters: string): ByteText {
  return JSON.stringify(characters).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
