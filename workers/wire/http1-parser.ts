/**
 * Reads one HTTP/1.1 answer: bytes in, callbacks out, no I/O. Any slicing of the same bytes gives the same head and the same body.
 * Source: RFC 9112. Stricter than it allows where leniency would mean guessing: a repeated content-length, content-length beside transfer-encoding,
 * any transfer-encoding but `chunked`, obsolete line folding, bare CR or LF and control characters are errors.
 */

import { Buffer } from "node:buffer";
import { hexDigit } from "../../src/contract/bytes.ts";
import { remembered } from "../remembered.ts";
import type { HttpHeaders } from "./http.ts";

/** Bound of a whole head, and of a whole trailer. */
export const MAX_HEAD_BYTES = 65_536;
export const MAX_LINE_BYTES = 16_384;
export const MAX_HEADERS = 200;
/** Bound of one chunk's extensions, and of all in an answer. */
export const MAX_EXTENSION_BYTES = 4096;
export const MAX_ALL_EXTENSION_BYTES = 65_536;
/** Answers such as 100 and 103 before the one that counts. */
export const MAX_INTERIM = 32;

/** Hexadecimal digits of a chunk's size: 2⁴⁸ bytes at most, so the size stays an exact number. */
const MAX_SIZE_DIGITS = 12;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** Finds forbidden characters in whole lines. */
const UNCLEAN = /[^\t\x20-\x7e\x80-\xff\r\n]|\r(?!\n)|[^\r]\n/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const BARE_LINE_FEED = /[^\r]\n/;
const EMPTY_LINE = Buffer.from("\r\n\r\n");
/** Every beginning of an answer matches as much of this as there is. */
const BEGINNING = "HTTP/1.";

/** A header's name in lower case. Every answer has the same few dozen names. Throws a `Malformed`. */
const fieldName = remembered((written) => {
  // A folded line begins with white space and is no token either.
  if (!TOKEN.test(written)) throw new Malformed("a header line without a valid name");
  return written.toLowerCase();
});

/** Name (lower case) to value; repeated ones joined by ", ". Throws a `Malformed`. */
function parseFields(text: string, headers: Map<string, string>): void {
  if (text === "") return;
  // One look at the whole text; single values are looked at only where something is wrong.
  const isClean = !UNCLEAN.test(text);
  if (!isClean) refuseBareLineFeeds(` ${text}`);
  let count = 0;
  for (let start = 0; start <= text.length; ) {
    const lineFeed = text.indexOf("\r\n", start);
    const end = lineFeed < 0 ? text.length : lineFeed;
    if (++count > MAX_HEADERS) throw new Malformed(`more than ${MAX_HEADERS} headers`);
    if (end - start > MAX_LINE_BYTES) throw new Malformed(`a header longer than ${MAX_LINE_BYTES} bytes`);
    const colon = text.indexOf(":", start);
    const name = fieldName(colon < 0 || colon > end ? "" : text.slice(start, colon));
    const value = trimBlanks(text, colon + 1, end);
    if (!isClean && FORBIDDEN_IN_VALUE.test(value)) throw new Malformed(`a control character in the header "${name}"`);
    const earlier = headers.get(name);
    if (earlier !== undefined && (name === "content-length" || name === "transfer-encoding"))
      throw new Malformed(`"${name}" appears twice`);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
    start = end + 2;
  }
}

/** `text` begins with the character before the first that is looked at. */
function refuseBareLineFeeds(text: string): void {
  if (BARE_LINE_FEED.test(text)) throw new Malformed("a line that does not end with CR LF");
}

/** Blanks and tabs only: `trim` would also take characters of Latin-1 that belong to the value. */
function trimBlanks(line: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

class Malformed extends Error {
  override readonly name = "Malformed";
}

interface Head {
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  minor: number;
  status: number;
  headers: HttpHeaders;
}

/** Reads a head without the empty line that ends it. Throws a `Malformed`. */
export function parseHead(text: string): Head {
  const lineEnd = text.indexOf("\r\n");
  const statusLine = lineEnd < 0 ? text : text.slice(0, lineEnd);
  if (statusLine.length > MAX_LINE_BYTES) throw new Malformed(`a status line longer than ${MAX_LINE_BYTES} bytes`);
  const match = STATUS_LINE.exec(statusLine);
  if (match === null) {
    refuseBareLineFeeds(` ${text}`);
    throw new Malformed("no valid status line of HTTP/1.0 or HTTP/1.1");
  }
  const headers = new Map<string, string>();
  if (lineEnd >= 0) parseFields(text.slice(lineEnd + 2), headers);
  return { minor: Number(match[1]), status: Number(match[2]), headers };
}

/** Collects bytes as text until the empty line. Heads, trailers and a proxy's answer all end in this way. */
export class HeadCollector {
  #text = "";
  /** Bytes of the last piece that belonged to the head. */
  used = 0;

  /**
   * Takes the bytes from `from` on; returns the text before the empty line once it is complete.
   * `emptyAllowed`: an empty line right at the beginning is an end too (a trailer without fields). Throws a `Malformed`.
   */
  push(bytes: Buffer, from: number, emptyAllowed: boolean): string | undefined {
    const before = this.#text.length;
    // Nearly every head comes whole, in one piece with the beginning of its body; what is wrong in it is found as it is read.
    const whole = before === 0 && !emptyAllowed ? bytes.indexOf(EMPTY_LINE, from) : -1;
    if (whole >= 0 && whole - from <= MAX_HEAD_BYTES) return this.#complete(bytes.toString("latin1", from, whole), whole + 4 - from);
    const added = bytes.toString("latin1", from, Math.min(bytes.length, from + MAX_HEAD_BYTES + 4 - before));
    const text = before === 0 ? added : this.#text + added;
    if (emptyAllowed && text.startsWith("\r\n")) return this.#complete("", 2 - before);
    const end = text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    const lines = end < 0 ? text : text.slice(0, end);
    // Looked for at once, not at the end: a peer that ends its lines with LF alone would never send the end.
    refuseBareLineFeeds(before === 0 ? ` ${lines}` : lines.slice(before - 1));
    if (lines.length > MAX_HEAD_BYTES) throw new Malformed(`more than ${MAX_HEAD_BYTES} bytes of headers`);
    if (end >= 0) return this.#complete(lines, end + 4 - before);
    this.#text = text;
    this.used = added.length;
    return undefined;
  }

  /** The text that has come so far. */
  get text(): string {
    return this.#text;
  }

  #complete(text: string, used: number): string {
    this.#text = "";
    this.used = used;
    return text;
  }
}

const STATE = {
  head: 0,
  /** A body of `#left` bytes. */
  length: 1,
  /** A body that ends with the connection. */
  untilClose: 2,
  size: 3,
  extension: 4,
  sizeLineFeed: 5,
  /** `#left` bytes of a chunk. */
  data: 6,
  dataReturn: 7,
  dataLineFeed: 8,
  trailer: 9,
  done: 10,
  failed: 11,
} as const;

/** Receives an answer's parts; the same as in `HttpEvents`. */
interface AnswerEvents {
  head(status: number, headers: HttpHeaders): void;
  chunk(bytes: Uint8Array): void;
}

export class AnswerParser {
  /** Set where the answer broke the protocol; nothing more is read. */
  error: string | undefined;
  /** The peer keeps the connection open after this answer. Meaningful from the head on. */
  persistent = false;
  /** How long the peer says it keeps an idle connection (`keep-alive: timeout=`), in seconds; 0 where it does not say. */
  idleHintSeconds = 0;
  /** Bytes came after the end of the answer. */
  surplus = false;
  /** Not one byte has come. */
  untouched = true;

  readonly #events: AnswerEvents;
  readonly #collector = new HeadCollector();
  #state: number = STATE.head;
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #allExtensionBytes = 0;
  #interim = 0;
  /** Where the body's bytes begin in the piece that is being read. */
  #from = 0;
  #to = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  /** The answer is complete. */
  get done(): boolean {
    return this.#state === STATE.done;
  }

  /**
   * Takes the next bytes, and may overwrite them; reports to the events before it returns. What they hold of a body is reported as one
   * chunk: under load a piece holds several chunks of the peer, and to hand on each of them costs as much as to hand on the piece. Never throws on any
   * input (what the events throw passes through).
   */
  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.untouched = false;
    this.#to = 0;
    let at = 0;
    while (at < bytes.length && this.#state < STATE.done) {
      if (this.#state === STATE.length || this.#state === STATE.data) at = this.#body(bytes, at, this.#left);
      else if (this.#state === STATE.untilClose) at = this.#body(bytes, at, Number.POSITIVE_INFINITY);
      else if (this.#state === STATE.head || this.#state === STATE.trailer) at = this.#fields(bytes, at);
      else at = this.#framing(bytes, at);
    }
    if (this.#state === STATE.done && at < bytes.length) this.surplus = true;
    if (this.#to > 0) this.#events.chunk(this.#to - this.#from === bytes.length ? bytes : bytes.subarray(this.#from, this.#to));
  }

  /** The peer has closed. Afterwards either `done` is true or the answer was cut short. */
  close(): void {
    if (this.#state === STATE.untilClose) this.#state = STATE.done;
  }

  /** Reports nothing more, whatever comes. */
  stop(): void {
    this.#state = STATE.failed;
  }

  #fail(text: string): void {
    this.error = text;
    this.#state = STATE.failed;
  }

  #body(bytes: Buffer, at: number, left: number): number {
    const end = Math.min(bytes.length, at + left);
    this.#left = left - (end - at);
    if (this.#left === 0) this.#state = this.#state === STATE.data ? STATE.dataReturn : STATE.done;
    if (this.#to === 0) [this.#from, this.#to] = [at, end];
    else {
      // The body is moved together, over the framing between its chunks.
      bytes.copyWithin(this.#to, at, end);
      this.#to += end - at;
    }
    return end;
  }

  #fields(bytes: Buffer, at: number): number {
    try {
      const text = this.#collector.push(bytes, at, this.#state === STATE.trailer);
      if (text === undefined) {
        if (this.#state === STATE.head && !beginsLikeAnAnswer(this.#collector.text)) this.#fail("the peer does not speak HTTP/1");
      } else if (this.#state === STATE.trailer) {
        // Checked and forgotten: no upstream says anything there that we need, and fields from a trailer must not pass for headers.
        parseFields(text, new Map());
        this.#state = STATE.done;
      } else this.#head(parseHead(text));
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      this.#fail(thrown.message);
    }
    return at + this.#collector.used;
  }

  #head({ minor, status, headers }: Head): void {
    if (status < 200) {
      // Interim answers carry no body and are followed by another head. We never ask to switch protocols.
      if (status === 101) this.#fail("the peer switched protocols unasked");
      else if (++this.#interim > MAX_INTERIM) this.#fail(`more than ${MAX_INTERIM} interim answers`);
      return;
    }
    const connection = tokens(headers.get("connection"));
    this.persistent = minor === 1 ? !connection.includes("close") : connection.includes("keep-alive");
    this.idleHintSeconds = Number(/(?:^|[,\s])timeout=(\d{1,6})(?:$|[,\s])/i.exec(headers.get("keep-alive") ?? "")?.[1] ?? 0);
    const next = this.#bodyState(minor, status, headers);
    if (next === STATE.failed) return;
    this.#state = next;
    this.#events.head(status, headers);
  }

  /** RFC 9112 §6.3. */
  #bodyState(minor: number, status: number, headers: HttpHeaders): number {
    const encoding = headers.get("transfer-encoding");
    const length = headers.get("content-length");
    if (encoding !== undefined) {
      if (length !== undefined) this.#fail("content-length beside transfer-encoding");
      else if (minor === 0) this.#fail("transfer-encoding in an answer of HTTP/1.0");
      else if (encoding.toLowerCase() !== "chunked") this.#fail("a transfer-encoding other than chunked");
    } else if (length !== undefined && !/^\d{1,15}$/.test(length)) this.#fail("a content-length that is no number");
    if (this.#state === STATE.failed) return STATE.failed;
    if (status === 204 || status === 304) return STATE.done;
    if (encoding !== undefined) return STATE.size;
    if (length === undefined) {
      this.persistent = false;
      return STATE.untilClose;
    }
    this.#left = Number(length);
    return this.#left === 0 ? STATE.done : STATE.length;
  }

  /** The bytes around a chunk's data, one at a time. */
  #framing(bytes: Buffer, at: number): number {
    const byte = bytes[at] ?? 0;
    switch (this.#state) {
      case STATE.size: {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit;
          if (++this.#digits > MAX_SIZE_DIGITS) this.#fail("a chunk size that is too large");
        } else if (this.#digits === 0 || (byte !== CR && byte !== SEMICOLON)) this.#fail("a chunk size that is no number");
        else this.#state = byte === CR ? STATE.sizeLineFeed : STATE.extension;
        break;
      }
      case STATE.extension:
        if (byte === CR) this.#state = STATE.sizeLineFeed;
        else if ((byte < 32 && byte !== 9) || byte === 127) this.#fail("a control character in a chunk extension");
        else if (++this.#extensionBytes > MAX_EXTENSION_BYTES) this.#fail(`more than ${MAX_EXTENSION_BYTES} bytes of chunk extensions`);
        else if (++this.#allExtensionBytes > MAX_ALL_EXTENSION_BYTES)
          this.#fail(`more than ${MAX_ALL_EXTENSION_BYTES} bytes of chunk extensions in all`);
        break;
      case STATE.sizeLineFeed:
        if (byte !== LF) this.#fail("a chunk size line that does not end with CR LF");
        else this.#state = this.#left === 0 ? STATE.trailer : STATE.data;
        break;
      case STATE.dataReturn:
        if (byte !== CR) this.#fail("a chunk that is longer than its size");
        else this.#state = STATE.dataLineFeed;
        break;
      default:
        if (byte !== LF) this.#fail("a chunk that does not end with CR LF");
        else {
          this.#state = STATE.size;
          this.#digits = 0;
          this.#extensionBytes = 0;
        }
    }
    return at + 1;
  }
}

function beginsLikeAnAnswer(text: string): boolean {
  return text.length >= BEGINNING.length ? text.startsWith(BEGINNING) : BEGINNING.startsWith(text);
}

/** The members of a comma-separated header, in lower case. */
function tokens(value: string | undefined): string[] {
  if (value === undefined) return [];
  return value
    .toLowerCase()
    .split(",")
    .map((member) => trimBlanks(member, 0, member.length));
}
