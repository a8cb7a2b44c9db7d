/** A request and its answer as the gateway sees them; they do not depend on the kind of sockets. */
import { asBuffer, type ByteText } from "./bytes.ts";
import type { OutgoingStream } from "./stream.ts";

/** The headers of a request, by name in lower case. The web's `Headers` fit this interface. */
export interface HeaderReader {
  /** The value of this header; where it was sent several times, the values joined by ", "; null where it was not sent. */
  get(name: string): string | null;
  has(name: string): boolean;
}

/** A whole body: a small one as text, a large one as bytes that belong to the reader of the body. In both forms `length` is a number of bytes. */
export type Body = ByteText | Uint8Array<ArrayBuffer>;

/** Bodies up to this length come as text. */
export const MOST_TEXT_BYTES = 64 * 1024;

/** Why a body does not come to its end: the client has left, or is silent, or has sent something that is no body. `text` is one sentence about it. */
export interface BrokenBody {
  reason: "left" | "silent" | "malformed";
  text: string;
}

/** Receives a body as it comes. */
export interface BodyReceiver {
  /** The view is valid only during the call. Returns false where nothing more is wanted; further pieces may still come. */
  piece(bytes: Uint8Array): boolean;
  /** The body is complete. */
  end(): void;
  /** The body broke off: nothing more comes. */
  broken(why: BrokenBody): void;
}

/** A request. */
export interface Asked {
  readonly method: string;
  /** The path and the query as they were sent: `/v1/models?limit=2`. */
  readonly url: string;
  readonly headers: HeaderReader;
  /** The client's address, from the connection; `unknown` where the connection has no address. */
  readonly address: string;
  /** The first request of its connection: to accept and close a connection costs more than a call. */
  readonly isFirst: boolean;
  /** Called once where the client leaves before it has its whole answer. The handler sets it. */
  onLeft: (() => void) | undefined;
  /** The whole body where it has come already; else undefined, and `read` gives it. To be called once. */
  takeBody(): Body | undefined;
  /** Gives the body to `receiver`, at once or as it comes. To be called once, and not where `takeBody` has returned the body. */
  read(receiver: BodyReceiver): void;
}

/** What is wrong with a request that cannot be served: a status, and one sentence for the client. */
export interface Flaw {
  readonly status: number;
  readonly message: string;
}

/** The answer to a request. */
export class Reply {
  readonly status: number;
  readonly headers: ReplyHeaders;
  /** The body, in one piece or as it comes. */
  readonly body: ByteText | OutgoingStream;

  constructor(status: number, headers: ReplyHeaders, body: ByteText | OutgoingStream) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** A handler's result: an answer of ours, or a `Response` of the web's API. */
export type Answered = Reply | Response;

/** Pages that are served without a key: they describe the gateway alone, never one workspace. */
export interface Pages {
  /** Each begins with a slash. They are served below the public prefix as well. */
  readonly paths: readonly string[];
  /** @param prefix - The part of the URL's path before the page's own: "" or the public prefix. */
  answer(path: string, prefix: string, request: Pick<Asked, "headers">): Reply;
}

/** The bytes of a body, for a caller that keeps or moves them. The body must not be used afterwards. */
export function bufferOf(body: Body): ArrayBuffer {
  if (typeof body !== "string") return body.buffer;
  const bytes = new Uint8Array(body.length);
  asBuffer(bytes).write(body, "latin1");
  return bytes.buffer;
}

/** Characters that would end a header's line early. Names are written by us; values may come from outside. */
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** The headers of an answer, some ten of them: names in lower case, in the order in which they were set. */
export class ReplyHeaders implements HeaderReader {
  /** Names and values in turn. */
  readonly #lines: string[] = [];
  /** See `setLines`. */
  #block = "";

  constructor(fixed: Readonly<Record<string, string>> = {}) {
    for (const name in fixed) this.set(name, fixed[name] ?? "");
  }

  /** @throws TypeError for a value that no header can have: a fault of ours, which must not be sent */
  set(name: string, value: string): void {
    if (NO_VALUE.test(value)) throw new TypeError(`no value for the header ${name}`);
    const lines = this.#lines;
    for (let at = 0; at < lines.length; at += 2) {
      if (lines[at] !== name) continue;
      lines[at + 1] = value;
      return;
    }
    lines.push(name, value);
  }

  /**
   * Sets several headers by one text; a second call replaces what the first has set.
   * @param lines - `name: value\r\n` for each, of names and numbers of ours: nothing in them may come from outside.
   */
  setLines(lines: string): void {
    this.#block = lines;
  }

  /** Removes a header that `set` has set. */
  delete(name: string): void {
    const at = this.#lines.findIndex((line, index) => index % 2 === 0 && line === name);
    if (at >= 0) this.#lines.splice(at, 2);
  }

  get(name: string): string | null {
    const lines = this.#lines;
    for (let at = 0; at < lines.length; at += 2) if (lines[at] === name) return lines[at + 1] ?? "";
    // Each answer is asked for headers that it does not have.
    if (!this.#block.includes(name)) return null;
    for (const [other, value] of pairsOf(this.#block)) if (other === name) return value;
    return null;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** The headers as HTTP/1.1 writes them: a line for each. */
  get text(): string {
    const lines = this.#lines;
    let text = "";
    for (let at = 0; at < lines.length; at += 2) text += `${lines[at]}: ${lines[at + 1]}\r\n`;
    return text + this.#block;
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    const lines = this.#lines;
    for (let at = 0; at < lines.length; at += 2) yield [lines[at] ?? "", lines[at + 1] ?? ""];
    yield* pairsOf(this.#block);
  }
}

function* pairsOf(block: string): Generator<[name: string, value: string]> {
  for (const line of block.split("\r\n")) {
    const colon = line.indexOf(": ");
    if (colon > 0) yield [line.slice(0, colon), line.slice(colon + 2)];
  }
}
