/** The texts of a stream, looked at without being parsed: there are thousands of them a second. */
import type { ByteText } from "../../../src/contract/bytes.ts";

const PADDING_START = '","p":"';

/** Whether `payload` from its quote at `end` on is nothing but the padding against traffic analysis, or its end. */
export function isPadding(payload: ByteText, end: number): boolean {
  if (payload.charCodeAt(end - 1) === 0x5c) return false;
  if (end === payload.length - 2) return payload.endsWith('"}');
  const padding = end + PADDING_START.length;
  return payload.startsWith(PADDING_START, end) && payload.endsWith('"}') && payload.indexOf('"', padding) === payload.length - 2;
}

/** Bytes of a delta's text as JSON writes it, where it stands last, as it does in every delta there is. A signature is no text of the model's. */
export function textLength(json: ByteText): number {
  return json.includes('"signature_delta"') ? 0 : Math.max(0, json.lastIndexOf('"') - json.lastIndexOf('":"') - 3);
}

/** A JSON string of ASCII alone, which is right in byte text whatever the name's characters. */
export function asciiJson(characters: string): ByteText {
  return JSON.stringify(characters).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
