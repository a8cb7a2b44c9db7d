/**
 * Reads the head of one HTTP/1.1 request: text in, fields out, no I/O. Source: RFC 9112 and RFC 9110.
 *
 * Stricter than the standards allow where a lenient reading could differ from that of another program on the way: a repeated content-length or host,
 * content-length beside transfer-encoding, obsolete line folding, blanks around a header's name, bare CR or LF, control characters, and characters that
 * are not allowed in an address are refused.
 */
import { copied } from "../contract/bytes.ts";
import type { Flaw, HeaderReader } from "../contract/http.ts";
import { isGoodAuthority } from "./authority.ts";

/** Most bytes of a whole head, and of a whole trailer. */
export const MAX_HEAD_BYTES = 16_384;
export const MAX_HEADERS = 100;
export const MAX_TARGET_BYTES = 8_192;
const MAX_METHOD_BYTES = 32;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Finds what is neither text nor the end of a line in a whole head. */
const UNCLEAN = /[^\t\x20-\x7e\x80-\xff\r\n]|\r(?!\n)|[^\r]\n|^\n/;
/** The same for a head of which only a part has come: its last byte may be a CR. */
const UNCLEAN_SO_FAR = /[^\t\x20-\x7e\x80-\xff\r\n]|\r(?!\n|$)|[^\r]\n|^\n/;
/** Characters of an address; a fragment (`#`) is never sent. */
const TARGET = /^[\x21\x22\x24-\x7e]+$/;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
const VERSION = /^HTTP\/\d\.\d$/;
const LENGTH = /^\d{1,15}$/;
/** Transfer codings that a server may support and this one does not. */
const OTHER_ENCODINGS = /^(?:(?:gzip|x-gzip|deflate|compress|x-compress)[\t ]*,[\t ]*)+chunked$/;
/** Parts of a path that lead elsewhere (`..`), and characters that some programs take for a slash. What follows a question mark is not part of the path. */
const LEADS_ELSEWHERE = /^[^?]*?(?:\\|%5c|\/(?:\.|%2e){1,2}(?:[/?]|$))/i;

export const FLAWS = {
  unclean: { status: 400, message: "The head of the request has a control character, or a line that does not end with CR LF." },
  firstLine: { status: 400, message: "The request's first line is not a method, an address and HTTP/1.1." },
  method: { status: 400, message: "The request's method is not a method's name." },
  address: { status: 400, message: "The request's address has a character that must be percent-encoded." },
  form: { status: 400, message: "The request's address must begin with a slash." },
  version: { status: 505, message: "HTTP/1.1 is spoken here, and HTTP/1.0." },
  addressTooLong: { status: 414, message: `The address of the request is longer than ${MAX_TARGET_BYTES} bytes.` },
  headTooLong: { status: 431, message: `The head of the request is longer than ${MAX_HEAD_BYTES} bytes.` },
  tooMany: { status: 431, message: `The request has more than ${MAX_HEADERS} headers.` },
  field: { status: 400, message: "A header's line does not begin with a name and a colon." },
  host: { status: 400, message: "The request needs one Host header with a host name or an address, and a port if there is one." },
  path: { status: 400, message: "The path must not have '.' or '..' as a part, nor a backslash, encoded or not." },
  length: { status: 400, message: "The request's Content-Length is not one number." },
  encoding: { status: 400, message: "The request's Transfer-Encoding is not 'chunked'." },
  unknownEncoding: { status: 501, message: "No Transfer-Encoding but 'chunked' is known here." },
  bothLengths: { status: 400, message: "The request has a Content-Length beside its Transfer-Encoding." },
  oldEncoding: { status: 400, message: "A request of HTTP/1.0 cannot have a Transfer-Encoding." },
  expectation: { status: 417, message: "No expectation but '100-continue' can be met." },
} as const satisfies Record<string, Flaw>;

/** Header names in lower case, remembered: clients send the same few dozen in every request. Bounded, because clients can invent names. */
const MOST_NAMES = 1_000;
const names = new Map<string, string>();

function nameOf(written: string): string | undefined {
  const known = names.get(written);
  if (known !== undefined) return known;
  // A folded line begins with a blank, and one with a blank before its colon ends with one: neither is a token.
  if (!TOKEN.test(written)) return undefined;
  // A copy: the text itself would keep the whole head in memory that it was cut from.
  const own = copied(written);
  const name = own.toLowerCase();
  if (names.size < MOST_NAMES) names.set(own, name);
  return name;
}

/** One head that has been read; the value of a header is cut out when a caller asks for it. */
export class Head implements HeaderReader {
  readonly method: string;
  /** The address from its path on. */
  readonly target: string;
  /** Minor version: 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minor: number;
  /** The body comes in chunks, not as `length` bytes. */
  chunked = false;
  length = 0;
  /** The client wants to keep the connection after this request. */
  persistent = false;
  /** The client waits for "100 Continue" before it sends the body. */
  expectsContinue = false;
  /** A fault of the host or of the path, where everything else is good: such a request can be refused in its own dialect. */
  flaw: Flaw | undefined;
  readonly #text: string;
  readonly #names: string[] = [];
  /** Two numbers for each header: where its value begins and where it ends. */
  readonly #places: number[] = [];

  constructor(text: string, method: string, target: string, minor: number) {
    this.#text = text;
    this.method = method;
    this.target = target;
    this.minor = minor;
  }

  get(name: string): string | null {
    const named = this.#names;
    let value: string | null = null;
    for (let at = 0; at < named.length; at++) {
      if (named[at] !== name) continue;
      value = value === null ? this.#value(at) : `${value}, ${this.#value(at)}`;
    }
    return value;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /** Every name with its value, in the order in which they were sent. */
  *[Symbol.iterator](): Iterator<[string, string]> {
    for (let at = 0; at < this.#names.length; at++) yield [this.#names[at] ?? "", this.#value(at)];
  }

  /** For `readHead` only. Reads the lines from `from` on. */
  readFields(from: number): Flaw | undefined {
    const text = this.#text;
    for (let start = from; start < text.length; ) {
      const lineFeed = text.indexOf("\r\n", start);
      const end = lineFeed < 0 ? text.length : lineFeed;
      const colon = text.indexOf(":", start);
      const name = colon < 0 || colon > end ? undefined : nameOf(text.slice(start, colon));
      if (name === undefined) return FLAWS.field;
      if (this.#names.length === MAX_HEADERS) return FLAWS.tooMany;
      let first = colon + 1;
      let last = end;
      while (first < last && isBlank(text.charCodeAt(first))) first++;
      while (last > first && isBlank(text.charCodeAt(last - 1))) last--;
      this.#names.push(name);
      this.#places.push(first, last);
      start = end + 2;
    }
    return undefined;
  }

  /** For `readHead` only. Reads what the headers say about the message itself; `authority`: that of the address, where it has one. */
  readMeaning(authority: string | undefined): Flaw | undefined {
    let length = -1;
    let encoding = -1;
    let host = -1;
    let hosts = 0;
    let connection = "";
    let expectation = "";
    const named = this.#names;
    for (let at = 0; at < named.length; at++) {
      switch (named[at]) {
        case "content-length":
          if (length >= 0) return FLAWS.length;
          length = at;
          break;
        case "transfer-encoding":
          if (encoding >= 0) return FLAWS.encoding;
          encoding = at;
          break;
        case "host":
          host = at;
          hosts++;
          break;
        case "connection":
          connection += `,${this.#value(at)}`;
          break;
        case "expect":
          expectation += this.#value(at);
      }
    }
    return this.#readFraming(length, encoding) ?? this.#readExpectation(expectation, connection) ?? this.#readHost(hosts, host, authority);
  }

  #readFraming(length: number, encoding: number): Flaw | undefined {
    if (encoding >= 0) {
      if (length >= 0) return FLAWS.bothLengths;
      if (this.minor === 0) return FLAWS.oldEncoding;
      const coding = this.#value(encoding).toLowerCase();
      if (coding !== "chunked") return OTHER_ENCODINGS.test(coding) ? FLAWS.unknownEncoding : FLAWS.encoding;
      this.chunked = true;
    } else if (length >= 0) {
      const text = this.#value(length);
      if (!LENGTH.test(text)) return FLAWS.length;
      this.length = Number(text);
    }
    return undefined;
  }

  #readExpectation(expectation: string, connection: string): Flaw | undefined {
    this.persistent = this.minor === 1 ? !hasToken(connection, "close") : hasToken(connection, "keep-alive");
    // A client of HTTP/1.0 would not understand a "100 Continue".
    if (expectation === "" || this.minor === 0) return undefined;
    if (expectation.toLowerCase() !== "100-continue") return FLAWS.expectation;
    this.expectsContinue = true;
    return undefined;
  }

  /** Never fails: a bad host and a path that leads elsewhere become a `flaw`, which the server's handler refuses. */
  #readHost(hosts: number, host: number, authority: string | undefined): undefined {
    const value = hosts === 1 ? this.#value(host) : "";
    if (!isGoodAuthority(value) || (authority !== undefined && authority.toLowerCase() !== value.toLowerCase())) this.flaw = FLAWS.host;
    else if (leadsElsewhere(this.target)) this.flaw = FLAWS.path;
  }

  #value(at: number): string {
    return this.#text.slice(this.#places[2 * at], this.#places[2 * at + 1]);
  }
}

/** Whether a path (or an address that begins with one) has parts such as `..`, which would have to be resolved first. */
function leadsElsewhere(target: string): boolean {
  return LEADS_ELSEWHERE.test(target);
}

/** @param text - A head without the empty line that ends it. */
export function readHead(text: string): Head | Flaw {
  if (text.length > MAX_HEAD_BYTES) return tooLong(text);
  if (UNCLEAN.test(text)) return FLAWS.unclean;
  const lineFeed = text.indexOf("\r\n");
  const end = lineFeed < 0 ? text.length : lineFeed;
  const afterMethod = text.indexOf(" ");
  const beforeVersion = text.lastIndexOf(" ", end - 1);
  if (afterMethod <= 0 || beforeVersion <= afterMethod) return FLAWS.firstLine;
  const version = text.slice(beforeVersion + 1, end);
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return VERSION.test(version) ? FLAWS.version : FLAWS.firstLine;
  const method = text.slice(0, afterMethod);
  if (method.length > MAX_METHOD_BYTES || !TOKEN.test(method)) return FLAWS.method;
  const sent = text.slice(afterMethod + 1, beforeVersion);
  if (sent.length > MAX_TARGET_BYTES) return FLAWS.addressTooLong;
  if (!TARGET.test(sent)) return FLAWS.address;
  const [authority, target] = split(sent);
  if (target === undefined) return FLAWS.form;
  const head = new Head(text, method, target, version === "HTTP/1.1" ? 1 : 0);
  return (lineFeed < 0 ? undefined : head.readFields(lineFeed + 2)) ?? head.readMeaning(authority) ?? head;
}

/** Splits an address into its authority, where it has one (as clients of a proxy send it), and the rest from the path on. Requests that only a proxy can serve are refused. */
function split(sent: string): [authority: string | undefined, target: string | undefined] {
  // Some programs take a backslash for a slash; `leadsElsewhere` finds that later.
  if (sent.startsWith("/")) return [undefined, sent];
  if (sent.startsWith("\\")) return [undefined, `/${sent}`];
  const [, authority, rest = ""] = ABSOLUTE.exec(sent) ?? [];
  if (authority === undefined) return [undefined, undefined];
  return [authority, rest.startsWith("/") ? rest : `/${rest}`];
}

/** The fault of a head of which only a part has come, where it is already certain. */
export function flawSoFar(text: string): Flaw | undefined {
  if (UNCLEAN_SO_FAR.test(text)) return FLAWS.unclean;
  // The rest may be the empty line that is about to come.
  return text.length > MAX_HEAD_BYTES + 3 ? tooLong(text) : undefined;
}

function tooLong(text: string): Flaw {
  const lineEnd = text.indexOf("\r\n");
  return lineEnd < 0 || lineEnd > MAX_HEAD_BYTES / 2 + MAX_METHOD_BYTES + 10 ? FLAWS.addressTooLong : FLAWS.headTooLong;
}

/** Checks the lines that follow a chunked body. They are not kept, because they must not pass for headers. */
export function flawOfTrailer(text: string, isWhole: boolean): Flaw | undefined {
  if ((isWhole ? UNCLEAN : UNCLEAN_SO_FAR).test(text)) return FLAWS.unclean;
  if (text.length > MAX_HEAD_BYTES + (isWhole ? 0 : 3)) return FLAWS.headTooLong;
  return isWhole ? new Head(text, "", "", 1).readFields(0) : undefined;
}

function hasToken(list: string, token: string): boolean {
  if (list === "") return false;
  return list
    .toLowerCase()
    .split(",")
    .some((member) => member.trim() === token);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
