/** Reads Bedrock's frames by their layout. It does not use AWS's codec, with which the stand-in writes them. */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { isObject } from "../../../../src/contract/objects.ts";
import type { JsonObject } from "../../../../src/sandbox/json.ts";

export interface ReadFrame {
  headers: Record<string, string>;
  payload: Buffer;
}

const STRING = 7;
const PRELUDE_BYTES = 8;

/** The whole frames in their order, and how many bytes of another frame were left. @throws Error for a wrong checksum */
export function readFrames(bytes: Buffer): { frames: ReadFrame[]; leftBytes: number } {
  const frames: ReadFrame[] = [];
  let at = 0;
  while (bytes.length - at >= 12) {
    const total = bytes.readUInt32BE(at);
    if (bytes.length - at < total) break;
    frames.push(readFrame(bytes.subarray(at, at + total)));
    at += total;
  }
  return { frames, leftBytes: bytes.length - at };
}

function readFrame(frame: Buffer): ReadFrame {
  const headerBytes = frame.readUInt32BE(4);
  if (crc32(frame.subarray(0, PRELUDE_BYTES)) !== frame.readUInt32BE(PRELUDE_BYTES)) throw new Error("prelude checksum");
  if (crc32(frame.subarray(0, -4)) !== frame.readUInt32BE(frame.length - 4)) throw new Error("message checksum");
  const headers: Record<string, string> = {};
  let at = 12;
  while (at < 12 + headerBytes) {
    const nameEnd = at + 1 + frame.readUInt8(at);
    const name = frame.toString("utf8", at + 1, nameEnd);
    if (frame.readUInt8(nameEnd) !== STRING) throw new Error(`header ${name} is no string`);
    const valueEnd = nameEnd + 3 + frame.readUInt16BE(nameEnd + 1);
    headers[name] = frame.toString("utf8", nameEnd + 3, valueEnd);
    at = valueEnd;
  }
  return { headers, payload: frame.subarray(at, -4) };
}

/** The model's event in a chunk; undefined for a frame of another kind. */
export function eventOf({ headers, payload }: ReadFrame): JsonObject | undefined {
  if (headers[":event-type"] !== "chunk") return undefined;
  const { bytes } = JSON.parse(payload.toString("utf8"));
  const event: unknown = JSON.parse(Buffer.from(String(bytes), "base64").toString("utf8"));
  if (!isObject(event)) throw new Error("a chunk without an event");
  return event;
}
