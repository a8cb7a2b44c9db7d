/**
 * An upstream that needs so little that it is never the bottleneck: it checks nothing and writes answers that were made once (answers.ts). It prints its port.
 * It answers `POST /model/{id}/invoke[-with-response-stream]` and `POST /openai/v1/chat/completions`. The model in the request decides the pace of a stream.
 *
 *     bun bench/upstream.ts [CERTIFICATE KEY]      CERTIFICATE, KEY: the files for TLS
 */
import type { Socket } from "bun";
import { LONG_BYTES, PACES, type Pace, WIRE, type WireStream } from "./answers.ts";
import { type MessageListener, MessageReader } from "./wire.ts";

const TICK_MS = 1;
/** By how much paced streams are faster. */
const HURRY = Number(process.env.WEIR_BENCH_HURRY ?? 1);

/**
 * The callers that write in each millisecond. All streams share one timer: a timer for each of thousands of streams would cost more than the gateway
 * under test.
 */
const due = new Map<number, Caller[]>();
let tickedMs = Math.floor(performance.now());
setInterval(() => {
  const now = Math.floor(performance.now());
  for (; tickedMs <= now; tickedMs++) {
    const callers = due.get(tickedMs);
    due.delete(tickedMs);
    for (const caller of callers ?? []) caller.step();
  }
}, TICK_MS);

/** Callers that write in the next turn of the event loop. */
let eager: Caller[] = [];
function nextTurn(caller: Caller): void {
  if (eager.push(caller) > 1) return;
  setImmediate(() => {
    const callers = eager;
    eager = [];
    for (const one of callers) one.step();
  });
}

class Caller implements MessageListener {
  readonly #socket: Socket<Caller>;
  readonly reader = new MessageReader(this);
  #path = "";
  #bytes = 0;
  #first = "";
  #last = "";
  #unsent: Buffer[] = [];
  #stream: WireStream | undefined;
  #at = 0;
  #dueMs = 0;
  #pace: Pace = "whole";

  constructor(socket: Socket<Caller>) {
    this.#socket = socket;
  }

  onHead(head: string): void {
    this.#path = head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/1.1"));
    this.#bytes = 0;
    this.#first = "";
    this.#last = "";
    if (/\r\nexpect: *100-continue/i.test(head)) this.#write(Buffer.from("HTTP/1.1 100 Continue\r\n\r\n"));
  }

  onBody(bytes: Buffer, from: number, to: number): void {
    // The model and `stream` are at the beginning or the end of a body.
    if (this.#bytes === 0) this.#first = bytes.toString("latin1", from, Math.min(to, from + 4_096));
    this.#bytes += to - from;
    this.#last = bytes.toString("latin1", Math.max(from, to - 4_096), to);
  }

  onEnd(): void {
    if (this.#path.startsWith("/model/")) {
      const model = this.#path.slice(7, this.#path.lastIndexOf("/"));
      this.#answer("bedrock", this.#path.endsWith("/invoke-with-response-stream"), decodeURIComponent(model));
      return;
    }
    const said = this.#first + this.#last;
    this.#answer("azure", /"stream": ?true/.test(said), /"model": ?"([^"]*)"/.exec(said)?.[1] ?? "");
  }

  #answer(cloud: keyof typeof WIRE, isStream: boolean, model: string): void {
    const answers = WIRE[cloud];
    this.#pace = PACES[model.replace(/^anthropic\.|-v1:0$/g, "")] ?? "whole";
    if (!isStream || this.#pace === "whole") {
      this.#write(isStream ? answers.stream.whole : this.#bytes < LONG_BYTES ? answers.short : answers.long);
      return;
    }
    this.#write(answers.stream.head);
    this.#stream = answers.stream;
    this.#at = 0;
    this.#dueMs = Math.floor(performance.now());
    this.step();
  }

  /** Writes the next piece of the stream. */
  step(): void {
    const piece = this.#stream?.pieces[this.#at++];
    if (piece === undefined) return;
    this.#write(piece);
    if (this.#at === this.#stream?.pieces.length) return;
    if (this.#pace === "turns") {
      nextTurn(this);
      return;
    }
    this.#dueMs += Number(this.#pace) / HURRY;
    const slot = Math.max(Math.floor(this.#dueMs), tickedMs + 1);
    const others = due.get(slot);
    if (others === undefined) due.set(slot, [this]);
    else others.push(this);
  }

  #write(bytes: Buffer): void {
    if (this.#unsent.length > 0) {
      this.#unsent.push(bytes);
      return;
    }
    const sent = this.#socket.write(bytes);
    if (sent < bytes.length) this.#unsent.push(bytes.subarray(Math.max(0, sent)));
  }

  drain(): void {
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const bytes of unsent) this.#write(bytes);
  }

  gone(): void {
    this.#stream = undefined;
    this.#unsent = [];
  }
}

const [, , certificate, key] = process.argv;
const server = Bun.listen<Caller>({
  hostname: "127.0.0.1",
  port: 0,
  ...(certificate !== undefined && key !== undefined ? { tls: { cert: Bun.file(certificate), key: Bun.file(key) } } : {}),
  socket: {
    open(socket) {
      socket.data = new Caller(socket);
    },
    data: (socket, bytes) => socket.data.reader.feed(bytes),
    drain: (socket) => socket.data.drain(),
    close: (socket) => socket.data.gone(),
    error: (socket) => socket.data.gone(),
  },
});
process.stdout.write(`${JSON.stringify({ message: "listening", port: server.port })}\n`);
