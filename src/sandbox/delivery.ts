/**
 * Sends an answer at its pace, not faster than the client reads it, and with the faults that a directive asks for.
 *
 * This relies on what `node:http` does in the same way on Bun 1.4, Deno 2.9 and Node: the response emits `close` within milliseconds after the client
 * has left; where `write()` returns false, `drain` follows; `socket.destroy()` still sends what was written; `socket.write()` sends bytes as they are.
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Behaviour, Break } from "./behaviour.ts";
import type { CallRecord, Calls } from "./calls.ts";

/** One frame or event of a stream. `open`: before the first token, or between two parts. `close`: after the last token. `end`: the last frame. */
export interface Frame {
  step: "open" | "token" | "close" | "end";
  bytes: Uint8Array;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** The bytes of a whole answer, or the frames of a stream. */
  content: { body: Uint8Array } | { frames: Iterable<Frame> };
  /** The tokens of a whole answer: with a pace, it takes as long as a stream of the same tokens. */
  tokens: number;
}

/** Faults that look different in each protocol. */
export interface Breakage {
  exception(type: string): Uint8Array;
  corrupt(frame: Uint8Array): Uint8Array;
}

/** Frames that are ready at the same moment are written together, up to about this size, so that a fast stream needs fewer writes. */
const BATCH_BYTES = 16 * 1024;
const SLICE_BYTES = 64 * 1024;

/** Sends the answer, or goes wrong as `behaviour` says. Resolves when nothing more is sent. */
export async function deliver(
  line: Line,
  reply: Reply,
  behaviour: Readonly<Behaviour>,
  breakage: Breakage,
  usualPaceMs: number,
): Promise<void> {
  const paceMs = behaviour.paceMs ?? usualPaceMs;
  line.shred = behaviour.shred;
  if (behaviour.hangUp) return line.cut();
  if (behaviour.malformed) return line.garbage();
  if (behaviour.delayMs > 0) await line.wait(behaviour.delayMs);
  if (behaviour.breaks.some((each) => each.how === "stall" && each.after === 0)) return;
  if (line.gone) return;
  if ("frames" in reply.content) await deliverFrames(line, reply, reply.content.frames, behaviour.breaks, breakage, paceMs);
  else await deliverWhole(line, reply, reply.content.body, behaviour.breaks, paceMs);
}

async function deliverWhole(line: Line, reply: Reply, body: Uint8Array, breaks: readonly Break[], paceMs: number): Promise<void> {
  if (paceMs > 0 && reply.tokens > 0) await line.wait(paceMs * reply.tokens);
  if (line.gone) return;
  const broken = breaks.find((each) => each.how !== "quiet" && each.how !== "exception");
  let sent = body;
  if (broken?.how === "truncate") sent = body.subarray(0, body.length >> 1);
  if (broken?.how === "corrupt") sent = body.subarray(0, -1);
  line.head(reply.status, { ...reply.headers, "content-length": String(sent.length) });
  if (broken?.how === "stall" || broken?.how === "cut") {
    await line.write(body.subarray(0, body.length >> 1));
    if (broken.how === "cut") line.cut();
    return;
  }
  if (sent.length <= SLICE_BYTES && line.shred === 0) return line.end(sent);
  for (let at = 0; at < sent.length && !line.gone; at += SLICE_BYTES) await line.write(sent.subarray(at, at + SLICE_BYTES));
  line.end();
}

async function deliverFrames(
  line: Line,
  reply: Reply,
  frames: Iterable<Frame>,
  breaks: readonly Break[],
  breakage: Breakage,
  paceMs: number,
): Promise<void> {
  line.head(reply.status, reply.headers);
  const waiting = [...breaks].sort((a, b) => a.after - b.after);
  const began = performance.now();
  let silence = 0;
  let sent = 0;
  for (const frame of frames) {
    let bytes = frame.bytes;
    for (let next = waiting[0]; next !== undefined && isDue(next, frame, sent); next = waiting[0]) {
      waiting.shift();
      switch (next.how) {
        case "quiet":
          await line.flush();
          await line.wait(next.ms);
          silence += next.ms;
          break;
        case "corrupt":
          bytes = breakage.corrupt(bytes);
          break;
        case "exception":
          line.add(breakage.exception(next.type));
          await line.flush();
          return line.end();
        case "truncate":
          await line.flush();
          return line.end();
        case "stall":
          return void (await line.flush());
        case "cut":
          line.add(bytes.subarray(0, bytes.length >> 1));
          await line.flush();
          return line.cut();
      }
    }
    if (frame.step === "token") {
      sent++;
      // The time of each token is counted from the beginning, so that a late timer does not delay all later tokens.
      const due = began + silence + sent * paceMs - performance.now();
      if (paceMs > 0 && due > 0) {
        const flushed = line.flush();
        if (flushed !== undefined) await flushed;
        await line.wait(due);
      }
    }
    line.add(bytes);
    if (line.batched >= BATCH_BYTES) {
      const flushed = line.flush();
      if (flushed !== undefined) await flushed;
    }
    if (line.gone) return;
  }
  await line.flush();
  line.end();
}

function isDue(next: Break, frame: Frame, sent: number): boolean {
  if (frame.step === "end") return true;
  if (next.after === Number.POSITIVE_INFINITY) return false;
  // With 0 the fault comes at the first frame.
  if (next.after === 0) return true;
  return frame.step === "close" || (frame.step === "token" && sent >= next.after);
}

/** Writes the answer of one call to its connection, and what happened into the record of the call. */
export class Line {
  shred = 0;
  gone = false;
  batched = 0;
  #batch: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #isBroken = false;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #record: CallRecord;
  readonly #calls: Calls;

  constructor(request: IncomingMessage, response: ServerResponse, record: CallRecord, calls: Calls) {
    this.#request = request;
    this.#response = response;
    this.#record = record;
    this.#calls = calls;
    response.on("finish", () => calls.end(record, "completed"));
    response.on("close", () => {
      this.gone = true;
      calls.end(record, this.#isBroken ? "broken" : "aborted");
      this.#wake?.();
    });
    response.on("drain", () => this.#wake?.());
  }

  head(status: number, headers: Record<string, string>): void {
    this.#record.status = status;
    this.#response.writeHead(status, headers);
    // The head of a stream is sent at once, as the clouds do. The head of a whole answer is sent with its body.
    if (!("content-length" in headers)) this.#response.flushHeaders();
  }

  add(bytes: Uint8Array): void {
    this.#batch.push(bytes);
    this.batched += bytes.length;
  }

  /** Writes the bytes that were added. Returns a promise only where the client reads too slowly, so that other frames cost no `await`. */
  flush(): Promise<void> | undefined {
    if (this.#batch.length === 0) return undefined;
    const bytes = this.#batch.length === 1 ? (this.#batch[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#batch, this.batched);
    this.#batch = [];
    this.batched = 0;
    return this.write(bytes);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.gone || bytes.length === 0) return undefined;
    if (this.shred > 0) return this.#writeShredded(bytes);
    this.#calls.wrote(this.#record, bytes.length);
    return this.#response.write(bytes) ? undefined : this.#drained();
  }

  async #writeShredded(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.gone; at += this.shred) {
      const piece = bytes.subarray(at, at + this.shred);
      this.#calls.wrote(this.#record, piece.length);
      if (!this.#response.write(piece)) await this.#drained();
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  end(bytes?: Uint8Array): void {
    if (this.gone) return;
    if (bytes !== undefined) this.#calls.wrote(this.#record, bytes.length);
    this.#response.end(bytes);
  }

  /** Waits; ends early where the client leaves. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.gone) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        if (this.gone) done();
      };
    });
  }

  #drained(): Promise<void> {
    this.#calls.stall(1);
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        this.#calls.stall(-1);
        resolve();
      };
    });
  }

  /** Closes the connection after what was written has been sent. */
  cut(): void {
    this.#isBroken = true;
    setTimeout(() => this.#request.socket.destroy(), this.#record.bytesWritten > 0 ? 5 : 0);
  }

  /** Sends an answer that is not HTTP, and closes the connection. */
  garbage(): void {
    this.#isBroken = true;
    this.#request.socket.end("HTTP/1.1 2x0 Not a status\r\ncontent length 12\r\n\r\n{}");
  }
}
