/**
 * A plain HTTP/1.1 client for the specification: one connection per call, every byte as it came. `fetch` will not do: it caps what runs at once,
 * cannot stop reading, and hides whether an answer was whole.
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

export interface Asking {
  method?: string;
  /** Path and query, as they go on the wire. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** In chunks, without a length. */
  chunked?: boolean;
  /** Head and body in separate packets, as some clients do it; otherwise in one, where they are small. */
  isApart?: boolean;
  /** Sent in place of the body's length; the body may be left out. */
  declaredLength?: number;
  /** Milliseconds that the client waits in the middle of its body. */
  pauseMs?: number | undefined;
}

export interface ServerEvent {
  /** "" where the event had no name. */
  event: string;
  data: string;
}

/** An answer, or as much of one as came. */
export interface Answered {
  status: number;
  headers: ReadonlyMap<string, string>;
  text: string;
  /** The answer came to its end: all of its length, or the last chunk. */
  whole: boolean;
  /** Milliseconds from the request to the first byte of the answer's head. */
  headMs: number;
}

const CRLF = "\r\n";

export class Call {
  /** Resolves with the status once the head is there. */
  readonly head: Promise<number>;
  /** Resolves when the answer has ended, whole or not. */
  readonly answered: Promise<Answered>;
  received = 0;
  readonly #socket: Socket;
  readonly #startedMs = performance.now();
  #headResolve: (status: number) => void = () => {};
  #resolve: (answered: Answered) => void = () => {};
  #status = 0;
  #headMs = 0;
  #headers = new Map<string, string>();
  #head: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #framing: "head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "close" | "over" = "head";
  #left = 0;
  #line = "";
  #whole = false;
  #watchers = new Set<() => void>();

  constructor(port: number, asking: Asking) {
    this.head = new Promise((resolve) => {
      this.#headResolve = resolve;
    });
    this.answered = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("connect", () => this.#send(asking));
    this.#socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#socket.on("error", () => this.#end());
    this.#socket.on("close", () => this.#end());
  }

  /** What has come of the body. */
  get text(): string {
    return Buffer.concat(this.#parts).toString("utf8");
  }

  /** Waits until the body so far satisfies; rejects where the answer ends first. */
  until(satisfied: (text: string) => boolean, timeoutMs = 10_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = () => {
        if (satisfied(this.text)) finish();
        else if (this.#framing === "over")
          finish(new Error(`the answer ended before what was waited for: ${this.#status} ${this.text.slice(0, 500)}`));
      };
      const timer = setTimeout(() => finish(new Error(`not in ${timeoutMs} ms: ${this.#status} ${this.text.slice(0, 500)}`)), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** Stops reading: the system's buffers fill, and then the peer waits. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes the connection at once. */
  leave(): void {
    this.#socket.destroy();
  }

  #send({ method = "POST", path, headers = {}, body, chunked = false, isApart = false, declaredLength, pauseMs }: Asking): void {
    const bytes = body === undefined ? undefined : Buffer.from(body as string);
    const all: Record<string, string> = { host: "weir.test", connection: "close", ...headers };
    if (chunked) all["transfer-encoding"] = "chunked";
    else if (declaredLength !== undefined) all["content-length"] = String(declaredLength);
    else if (bytes !== undefined) all["content-length"] = String(bytes.length);
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
    const head = Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, "", ""].join(CRLF));
    if (bytes !== undefined && pauseMs !== undefined) {
      const half = bytes.length >> 1;
      this.#socket.write(Buffer.concat([head, bytes.subarray(0, half)]));
      return void setTimeout(() => this.#socket.write(bytes.subarray(half)), pauseMs);
    }
    if (bytes !== undefined && !chunked && !isApart) return void this.#socket.write(Buffer.concat([head, bytes]));
    this.#socket.write(head);
    if (bytes === undefined) return;
    if (!chunked) return void setImmediate(() => this.#socket.write(bytes));
    const CHUNK = 60_000;
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const piece = bytes.subarray(at, at + CHUNK);
      this.#socket.write(`${piece.length.toString(16)}${CRLF}`);
      this.#socket.write(piece);
      this.#socket.write(CRLF);
    }
    this.#socket.write(`0${CRLF}${CRLF}`);
  }

  #take(bytes: Buffer): void {
    let rest: Buffer = bytes;
    if (this.#framing === "head") {
      if (this.#headMs === 0) this.#headMs = performance.now() - this.#startedMs;
      this.#head = Buffer.concat([this.#head, bytes]);
      const end = this.#head.indexOf("\r\n\r\n");
      if (end < 0) return;
      rest = this.#head.subarray(end + 4);
      this.#readHead(this.#head.toString("latin1", 0, end));
    }
    while (rest.length > 0 && this.#framing !== "over") rest = this.#step(rest);
    for (const look of this.#watchers) look();
    if (this.#whole) {
      this.#end();
      this.#socket.destroy();
    }
  }

  #readHead(head: string): void {
    const [first = "", ...lines] = head.split(CRLF);
    this.#status = Number(first.split(" ")[1]);
    for (const line of lines) {
      const colon = line.indexOf(":");
      this.#headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const length = this.#headers.get("content-length");
    if (this.#headers.get("transfer-encoding") === "chunked") this.#framing = "chunk-size";
    else if (length !== undefined) {
      this.#left = Number(length);
      this.#framing = "length";
      this.#whole = this.#left === 0;
    } else this.#framing = "close";
    this.#headResolve(this.#status);
  }

  /** Takes what belongs to one part of the body; returns the rest. */
  #step(bytes: Buffer): Buffer {
    switch (this.#framing) {
      case "close":
        this.#keep(bytes);
        return bytes.subarray(bytes.length);
      case "length":
      case "chunk": {
        const part = bytes.subarray(0, this.#left);
        this.#left -= part.length;
        this.#keep(part);
        if (this.#left === 0) {
          this.#whole = this.#framing === "length";
          this.#framing = this.#framing === "length" ? "over" : "chunk-end";
          this.#line = "";
        }
        return bytes.subarray(part.length);
      }
      default: {
        const end = bytes.indexOf(0x0a);
        this.#line += bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
        if (end < 0) return bytes.subarray(bytes.length);
        if (this.#framing === "chunk-end") this.#framing = "chunk-size";
        else {
          this.#left = Number.parseInt(this.#line, 16);
          this.#whole = this.#left === 0;
          this.#framing = this.#whole ? "over" : "chunk";
        }
        this.#line = "";
        return bytes.subarray(end + 1);
      }
    }
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.received += bytes.length;
    this.#parts.push(bytes);
  }

  #end(): void {
    this.#framing = "over";
    for (const look of this.#watchers) look();
    this.#headResolve(this.#status);
    this.#resolve({ status: this.#status, headers: this.#headers, text: this.text, whole: this.#whole, headMs: this.#headMs });
  }
}

/** A client that keeps its connection. */
export class KeptConnection {
  isClosed = false;
  #received = "";
  readonly #socket: Socket;

  constructor(url: string) {
    this.#socket = connect(Number(new URL(url).port), "127.0.0.1");
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.isClosed = true;
    });
  }

  get answers(): string[] {
    return this.#received.split(/(?=HTTP\/1\.1 )/).filter((each) => each !== "");
  }

  ask(): void {
    this.#socket.write("GET /healthz HTTP/1.1\r\nHost: gw\r\n\r\n");
  }
}

/** The events of a server-sent stream; a last one that was cut off is none. Comments are events named ":". */
export function eventsOf(text: string): ServerEvent[] {
  const blocks = text.split("\n\n");
  blocks.pop();
  return blocks.map((block) => {
    if (block.startsWith(":")) return { event: ":", data: block.slice(1) };
    const lines = block.split("\n");
    const field = (name: string) =>
      lines
        .filter((line) => line.startsWith(`${name}:`))
        .map((line) => line.slice(name.length + 1).replace(/^ /, ""))
        .join("\n");
    return { event: field("event"), data: field("data") };
  });
}
