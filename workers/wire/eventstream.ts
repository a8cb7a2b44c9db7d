/**
 * Frames of `application/vnd.amazon.eventstream`. Big-endian: u32 total length, u32 length of the headers, u32 CRC-32 of those 8 bytes, headers,
 * payload, u32 CRC-32 of everything before it. Source: AWS, "Event stream encoding"
 * (Amazon Lex V2 guide). The tests compare with @smithy/eventstream-codec.
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { asBuffer } from "../../src/contract/bytes.ts";

const PRELUDE_BYTES = 12;
/** A frame without headers and payload. */
const OVERHEAD_BYTES = 16;
/** An event is some hundred bytes; what is in it may have to be parsed at once. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024;
const MAX_HEADER_BYTES = 128 * 1024;

/**
 * One whole frame, its checksums good: headers are `bytes[headersAt, payloadAt)`, the payload is `bytes[payloadAt, payloadEnd)`. The view is valid
 * only during the call. False ends the decoding; nothing is reported after it.
 */
export type FrameListener = (bytes: Buffer, headersAt: number, payloadAt: number, payloadEnd: number) => boolean;

/** Cuts a byte stream into frames. Frames that lie whole in what is pushed are read in place; only a frame that was cut is copied, once. */
export class FrameDecoder {
  readonly #listener: FrameListener;
  /** A frame that has not all come: first room for a prelude, then for the whole frame. */
  #partial: Buffer | undefined;
  #filled = 0;
  #ended = false;
  #error: string | undefined;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** The flaw of the bytes, for the log. Nothing is decoded after it. */
  get error(): string | undefined {
    return this.#error;
  }

  /** True where the stream may not end: part of a frame has come. */
  get inFrame(): boolean {
    return this.#filled > 0;
  }

  /** Bytes that are set aside for a frame that has not all come. */
  get held(): number {
    return this.#partial?.length ?? 0;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended) return;
    const bytes = asBuffer(chunk);
    let at = this.#filled > 0 ? this.#complete(bytes) : 0;
    while (!this.#ended && bytes.length - at >= PRELUDE_BYTES) {
      const total = this.#readPrelude(bytes, at);
      if (total === 0 || bytes.length - at < total) break;
      this.#deliver(bytes, at, total);
      at += total;
    }
    if (!this.#ended && at < bytes.length) this.#keep(bytes, at);
  }

  /** Goes on filling the frame that was cut; returns how many bytes that took. */
  #complete(bytes: Buffer): number {
    let at = 0;
    let partial = this.#partial ?? Buffer.allocUnsafe(PRELUDE_BYTES);
    if (this.#filled < PRELUDE_BYTES) {
      at = this.#fill(partial, PRELUDE_BYTES, bytes, 0);
      if (this.#filled < PRELUDE_BYTES) return at;
      // The length is trusted with memory only after its own checksum.
      const total = this.#readPrelude(partial, 0);
      if (total === 0) return at;
      const whole = Buffer.allocUnsafe(total);
      partial.copy(whole, 0, 0, PRELUDE_BYTES);
      this.#partial = partial = whole;
    }
    at = this.#fill(partial, partial.length, bytes, at);
    if (this.#filled < partial.length) return at;
    this.#partial = undefined;
    this.#filled = 0;
    this.#deliver(partial, 0, partial.length);
    return at;
  }

  #fill(partial: Buffer, size: number, bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + size - this.#filled);
    bytes.copy(partial, this.#filled, at, end);
    this.#filled += end - at;
    return end;
  }

  #keep(bytes: Buffer, at: number): void {
    const length = bytes.length - at;
    const size = length < PRELUDE_BYTES ? PRELUDE_BYTES : bytes.readUInt32BE(at);
    this.#partial = Buffer.allocUnsafe(size);
    bytes.copy(this.#partial, 0, at);
    this.#filled = length;
  }

  /** The frame's total length, or 0 where the prelude is not one. */
  #readPrelude(bytes: Buffer, at: number): number {
    if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8)) return this.#fail("the checksum of a frame's prelude is wrong");
    const total = bytes.readUInt32BE(at);
    const headers = bytes.readUInt32BE(at + 4);
    if (total > MAX_FRAME_BYTES) return this.#fail(`a frame of ${total} bytes`);
    if (headers > MAX_HEADER_BYTES || headers > total - OVERHEAD_BYTES)
      return this.#fail(`${headers} bytes of headers in a frame of ${total}`);
    return total;
  }

  #deliver(bytes: Buffer, at: number, total: number): void {
    const payloadEnd = at + total - 4;
    if (crc32(bytes.subarray(at, payloadEnd)) !== bytes.readUInt32BE(payloadEnd)) {
      this.#fail("the checksum of a frame is wrong");
      return;
    }
    const headersAt = at + PRELUDE_BYTES;
    if (!this.#listener(bytes, headersAt, headersAt + bytes.readUInt32BE(at + 4), payloadEnd)) this.#ended = true;
  }

  #fail(error: string): 0 {
    this.#error ??= error;
    this.#ended = true;
    return 0;
  }
}

export type HeaderValue = boolean | number | bigint | string | Uint8Array | Date;

/** The headers in `bytes[from, to)` by name, or undefined where they are malformed. Byte arrays are views. */
export function readHeaders(bytes: Buffer, from: number, to: number): Map<string, HeaderValue> | undefined {
  const headers = new Map<string, HeaderValue>();
  let at = from;
  while (at < to) {
    const nameAt = at + 1;
    const typeAt = nameAt + bytes.readUInt8(at);
    if (typeAt >= to) return undefined;
    const valueAt = typeAt + 1;
    const type = bytes.readUInt8(typeAt);
    const size = valueSize(bytes, type, valueAt, to);
    if (size === undefined || valueAt + size > to) return undefined;
    headers.set(bytes.toString("utf8", nameAt, typeAt), readValue(bytes, type, valueAt, size));
    at = valueAt + size;
  }
  return headers;
}

/** Bytes of a value of each type: true, false, byte, short, int, long, bytes, string, timestamp, uuid. Bytes and string begin with their own length. */
const SIZES = [0, 0, 1, 2, 4, 8, undefined, undefined, 8, 16];
const BYTES = 6;
const STRING = 7;

function valueSize(bytes: Buffer, type: number, at: number, to: number): number | undefined {
  if (type !== BYTES && type !== STRING) return SIZES[type];
  return at + 2 > to ? undefined : 2 + bytes.readUInt16BE(at);
}

function readValue(bytes: Buffer, type: number, at: number, size: number): HeaderValue {
  switch (type) {
    case 0:
    case 1:
      return type === 0;
    case 2:
      return bytes.readInt8(at);
    case 3:
      return bytes.readInt16BE(at);
    case 4:
      return bytes.readInt32BE(at);
    case 5:
      return bytes.readBigInt64BE(at);
    case BYTES:
      return bytes.subarray(at + 2, at + size);
    case STRING:
      return bytes.toString("utf8", at + 2, at + size);
    case 8:
      return new Date(Number(bytes.readBigInt64BE(at)));
    default: {
      const hex = bytes.toString("hex", at, at + size);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    }
  }
}
