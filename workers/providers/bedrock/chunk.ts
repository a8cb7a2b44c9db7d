/** A frame with one event of a stream, read by searches where that is possible: there are thousands of them a second. */
import { Buffer } from "node:buffer";
import type { ByteText } from "../../../src/contract/bytes.ts";
import { asObject } from "../failure.ts";

/** The headers of every chunk frame that Bedrock sends today, byte for byte; other forms of them are read header by header. */
const CHUNK_HEADERS = Buffer.from(
  "\x0b:event-type\x07\0\x05chunk\x0d:content-type\x07\0\x10application/json\x0d:message-type\x07\0\x05event",
  "latin1",
);
const PAYLOAD_START = '{"bytes":"';
const PADDING_START = '","p":"';

export function hasChunkHeaders(bytes: Buffer, headersAt: number, payloadAt: number): boolean {
  const { length } = CHUNK_HEADERS;
  // The lengths first: Deno's `compare` throws where the whole frame is shorter than these headers.
  return payloadAt - headersAt === length && bytes.compare(CHUNK_HEADERS, 0, length, headersAt, payloadAt) === 0;
}

/**
 * The event's JSON from the payload `{"bytes":"…","p":"…"}`; undefined where the payload is no base64 in JSON. Base64 has no escapes, but JSON may write
 * its slashes with one. `isFast` false parses every payload.
 */
export function eventOf(payload: ByteText, isFast: boolean): ByteText | undefined {
  const end = isFast && payload.startsWith(PAYLOAD_START) ? payload.indexOf('"', PAYLOAD_START.length) : -1;
  const encoded = end > 0 && isPadding(payload, end) ? payload.slice(PAYLOAD_START.length, end) : undefined;
  try {
    return atob(encoded ?? String(asObject(JSON.parse(payload))?.bytes));
  } catch {
    return undefined;
  }
}

/** Whether the rest of `payload`, from the quote at `end`, is only the padding against traffic analysis, or the end of the object. */
function isPadding(payload: ByteText, end: number): boolean {
  if (payload.charCodeAt(end - 1) === 0x5c) return false;
  if (end === payload.length - 2) return payload.endsWith('"}');
  const padding = end + PADDING_START.length;
  return payload.startsWith(PADDING_START, end) && payload.endsWith('"}') && payload.indexOf('"', padding) === payload.length - 2;
}

/**
 * Bytes of the model's text in an event's delta, as JSON writes the text. The text is the last member in every known delta. A signature is not text of
 * the model.
 */
export function textLength(json: ByteText): number {
  return json.includes('"signature_delta"') ? 0 : Math.max(0, json.lastIndexOf('"') - json.lastIndexOf('":"') - 3);
}
