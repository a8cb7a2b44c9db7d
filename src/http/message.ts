/**
 * Splits a client's bytes into heads and bodies: bytes in, heads and pieces of bodies out, no I/O. The result does not depend on where the bytes were cut.
 */

import { Buffer } from "node:buffer";
import { hexDigit } from "../contract/bytes.ts";
import type { Flaw } from "../contract/http.ts";
import { FLAWS, flawOfTrailer, flawSoFar, Head, MAX_HEAD_BYTES, readHead } from "./head.ts";

/** Most bytes of all chunk extensions of one body. No known client uses them. */
export const MAX_EXTENSION_BYTES = 16_384;
/** Most hexadecimal digits of a chunk's size: sizes stay below 2⁴⁸ bytes, so each is an exact number. */
const MAX_SIZE_DIGITS = 12;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const EMPTY_LINE = Buffer.from("\r\n\r\n");

/** Collects text up to an empty line, from pieces. */
class Lines {
  /** The text so far; when it is complete, without the empty line. */
  text = "";

  /** Takes the bytes from `at` on; returns how many of them belong to the text, or -1 where its end has not come. */
  push(bytes: Buffer, at: number): number {
    const before = this.text.length;
    const added = bytes.toString("latin1", at, Math.min(bytes.length, at + MAX_HEAD_BYTES + 4 - before));
    const text = before === 0 ? added : this.text + added;
    const end = text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    this.text = end < 0 ? text : text.slice(0, end);
    return end < 0 ? -1 : end + 4 - before;
  }
}

/** Reads heads, one after the other. */
export class HeadReader {
  #lines: Lines | undefined;
  /** The CR of an empty line before a head has come, its LF not yet. */
  #isAfterReturn = false;
  /** Number of bytes of the last piece that were used. */
  used = 0;
  /** The head that was refused last was, as far as can be seen, a HEAD request: its answer has no body. */
  isHead = false;

  /** Whether a part of a head has come. */
  get begun(): boolean {
    return this.#lines !== undefined;
  }

  /** Takes the bytes from `from` on, up to the end of a head; undefined where the end has not come. Never throws. */
  push(bytes: Buffer, from: number): Head | Flaw | undefined {
    let at = from;
    if (this.#lines === undefined) {
      at = this.#skipEmpty(bytes, from);
      this.used = at - from;
      if (at === bytes.length) return undefined;
      if (this.#isAfterReturn) return FLAWS.unclean;
      // Nearly every head comes in one piece, with the beginning of its body.
      const end = bytes.indexOf(EMPTY_LINE, at);
      if (end >= 0 && end - at <= MAX_HEAD_BYTES) {
        this.used = end + 4 - from;
        return this.#read(bytes.toString("latin1", at, end), readHead);
      }
    }
    const lines = this.#lines ?? new Lines();
    const used = lines.push(bytes, at);
    this.#lines = used < 0 ? lines : undefined;
    this.used = used < 0 ? bytes.length - from : at - from + used;
    return this.#read(lines.text, used < 0 ? flawSoFar : readHead);
  }

  #read(text: string, reading: (text: string) => Head | Flaw | undefined): Head | Flaw | undefined {
    const read = reading(text);
    if (read !== undefined && !(read instanceof Head)) this.isHead = text.startsWith("HEAD ");
    return read;
  }

  /** Skips empty lines before a request: old clients send one after a body. */
  #skipEmpty(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      if (bytes[at] !== (this.#isAfterReturn ? LF : CR)) return at;
      this.#isAfterReturn = !this.#isAfterReturn;
    }
    return bytes.length;
  }
}

const STATE = {
  /** A body of known length: `#left` bytes are to come. */
  length: 0,
  size: 1,
  extension: 2,
  sizeLineFeed: 3,
  /** Inside a chunk: `#left` bytes are to come. */
  data: 4,
  dataReturn: 5,
  dataLineFeed: 6,
  /** At the first line of the trailer, or at the empty line in its place. */
  trailerStart: 7,
  trailerEndLineFeed: 8,
  trailer: 9,
  done: 10,
  failed: 11,
} as const;

/** Reads one body. */
export class BodyReader {
  #state: number = STATE.done;
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #lines: Lines | undefined;
  /** The fault of a body that broke the protocol; nothing more is read. */
  flaw: Flaw | undefined;

  /** Prepares for the body that follows `head`. */
  begin(head: Head): void {
    this.flaw = undefined;
    this.#left = head.length;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#state = head.chunked ? STATE.size : head.length === 0 ? STATE.done : STATE.length;
  }

  get done(): boolean {
    return this.#state === STATE.done;
  }

  /** Number of bytes that are still to come; undefined where it is not known. */
  get left(): number | undefined {
    if (this.#state === STATE.done) return 0;
    return this.#state === STATE.length ? this.#left : undefined;
  }

  /** The caller took the whole body itself. */
  skip(): void {
    this.#state = STATE.done;
  }

  /** Takes the bytes from `from` on, up to the end of the body; gives its pieces to `onPiece` and returns where the rest begins. Never throws. */
  push(bytes: Buffer, from: number, onPiece: (bytes: Buffer) => void): number {
    let at = from;
    while (at < bytes.length && this.#state < STATE.done) {
      if (this.#state === STATE.length || this.#state === STATE.data) {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = this.#state === STATE.data ? STATE.dataReturn : STATE.done;
        onPiece(bytes.subarray(at, end));
        at = end;
      } else if (this.#state === STATE.trailer) at = this.#trailer(bytes, at);
      else at = this.#framing(bytes, at);
    }
    return at;
  }

  #fail(message: string): void {
    this.flaw = { status: 400, message };
    this.#state = STATE.failed;
  }

  #trailer(bytes: Buffer, at: number): number {
    const lines = this.#lines ?? new Lines();
    this.#lines = lines;
    const used = lines.push(bytes, at);
    const wrong = flawOfTrailer(lines.text, used >= 0);
    if (used >= 0) this.#lines = undefined;
    if (wrong !== undefined) this.#fail(wrong.message);
    else if (used >= 0) this.#state = STATE.done;
    return used < 0 ? bytes.length : at + used;
  }

  /** Reads the bytes around a chunk's data, one at a time. */
  #framing(bytes: Buffer, at: number): number {
    const byte = bytes[at] ?? 0;
    switch (this.#state) {
      case STATE.size: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit;
          if (++this.#digits > MAX_SIZE_DIGITS) this.#fail("A chunk's size is too large.");
        } else if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) this.#fail("A chunk's size is no number.");
        else this.#state = byte === CR ? STATE.sizeLineFeed : STATE.extension;
        break;
      }
      case STATE.extension:
        if (byte === CR) this.#state = STATE.sizeLineFeed;
        else if ((byte < 32 && byte !== 9) || byte === 127) this.#fail("A chunk's extension has a control character.");
        else if (++this.#extensionBytes > MAX_EXTENSION_BYTES)
          this.#fail(`The extensions of chunks are longer than ${MAX_EXTENSION_BYTES} bytes.`);
        break;
      case STATE.sizeLineFeed:
        if (byte !== LF) this.#fail("The line of a chunk's size does not end with CR LF.");
        else this.#state = this.#left === 0 ? STATE.trailerStart : STATE.data;
        break;
      case STATE.dataReturn:
        if (byte !== CR) this.#fail("A chunk is longer than its size.");
        else this.#state = STATE.dataLineFeed;
        break;
      case STATE.dataLineFeed:
        if (byte !== LF) this.#fail("A chunk does not end with CR LF.");
        else {
          this.#state = STATE.size;
          this.#digits = 0;
        }
        break;
      case STATE.trailerStart:
        if (byte !== CR) {
          this.#state = STATE.trailer;
          return at;
        }
        this.#state = STATE.trailerEndLineFeed;
        break;
      default:
        if (byte !== LF) this.#fail("The body does not end with CR LF.");
        else this.#state = STATE.done;
    }
    return at + 1;
  }
}
