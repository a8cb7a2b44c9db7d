import { type ByteText, toBody } from "../contract/bytes.ts";
import type { CallEvents, Ended, PoolCall } from "../contract/call.ts";
import type { CallOperation, Dialect, Envelope } from "../contract/dialect.ts";
import { type ErrorKind, type GatewayError, RETRY_AFTER_MS, STATUS } from "../contract/errors.ts";
import { STREAM_WINDOW } from "../contract/messages.ts";
import type { ClientStream, OpenStream, StreamOwner } from "../contract/stream.ts";
import type { Turn } from "../contract/turn.ts";

/** How a call ended for its client. */
export interface Outcome {
  outcome: "ok" | ErrorKind;
  error: GatewayError | undefined;
  /** Undefined where no worker had it, or the client left first. */
  ended: Ended | undefined;
  /** `performance.now()` of the first byte for the client; undefined where there was none. */
  firstByteAtMs: number | undefined;
  /** Of a stream: bytes given to the client. */
  passedBytes: number;
}

export interface AnswerOptions {
  dialect: Dialect;
  operation: CallOperation;
  requestId: string;
  /** Where the gaps between pieces of the stream are observed, in seconds. */
  gaps: { observe(seconds: number): void };
  /** The body of a streamed answer. */
  openStream: OpenStream;
}

/** Whose answer it is: told what is not for the client. */
export interface AnswerOwner {
  /** The headers that the answer of this request begins with; asked for once. */
  takeHeaders(): Headers;
  /** A worker has checked and weighed the body; see `CallEvents`. */
  weighed(envelope: Envelope, conversation: number, estimate: number): void;
  estimated(inputTokens: number): void;
  /** The client reads now, or is idle. */
  turn(turn: Turn): void;
  /** A target has failed the call, and the client has seen nothing: it goes on at another target, or ends. */
  missed(error: GatewayError, ended: Ended): void;
  /** The worker is gone, and the client has seen nothing: the call goes to another worker, or ends. */
  lost(error: GatewayError): void;
  /** The answer begins, and it is a good one. */
  answering(): void;
  /** Called exactly once. */
  ended(outcome: Outcome): void;
}

/** What a socket takes at once: an answer up to here has gone when it has been written. */
const AT_ONCE_BYTES = 64 * 1024;

const NOBODY = (): void => {};

/**
 * From a worker's reports to the client's `Response`. A stream is written as it comes; the worker is given credit for what the client's side
 * has taken, in portions of half a window, so that a stream which keeps up costs no message at all for a quarter of a megabyte.
 */
export class Answer implements CallEvents, StreamOwner {
  readonly #owner: AnswerOwner;
  readonly #options: AnswerOptions;
  #resolve: (response: Response) => void = NOBODY;
  #call: PoolCall | undefined;
  #stream: ClientStream | undefined;
  /** Bytes written for which the worker has no credit yet. */
  #owed = 0;
  #firstByteAtMs: number | undefined;
  #lastChunkMs = 0;
  /** The client has left; the call's last report is still awaited, for what it used. */
  #gone = false;
  #over = false;
  /** Why the call ends before its time. The client knows; the call's last report is still awaited, for what it used. */
  #ending: GatewayError | undefined;
  #passedBytes = 0;

  constructor(owner: AnswerOwner, options: AnswerOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  /** The answer, once there is one. */
  begin(): Promise<Response> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** A stream that is open holds neither the promise nor, through it, the `Response`. */
  #respond(response: Response): void {
    const resolve = this.#resolve;
    this.#resolve = NOBODY;
    resolve(response);
  }

  /** True once nobody waits for an answer: a call that has not started need not. */
  get idle(): boolean {
    return this.#gone || this.#over || this.#ending !== undefined;
  }

  /** The call whose reports come here. */
  attach(call: PoolCall): void {
    this.#call = call;
  }

  /** The client has gone, before or after the first byte. */
  abandon(): void {
    if (this.idle) return;
    this.#gone = true;
    if (this.#call === undefined) this.#end("cancelled", undefined, undefined);
    else this.#call.cancel();
    // Nobody reads it, but a handler must return something.
    this.#respond(new Response(null, { status: STATUS.cancelled }));
  }

  /** Ends the call now: the client is told why, and its worker to stop. */
  expire(error: GatewayError): void {
    if (this.idle) return;
    this.#ending = error;
    this.#tell(error);
    if (this.#call === undefined) this.#end(error.kind, error, undefined);
    else this.#call.cancel();
  }

  weighed(envelope: Envelope, conversation: number, estimate: number): void {
    if (!this.idle) this.#owner.weighed(envelope, conversation, estimate);
  }

  missed(error: GatewayError, ended: Ended): void {
    // The order to end it is on its way to the worker, which reports the end.
    if (!this.idle) this.#owner.missed(error, ended);
  }

  lost(error: GatewayError): void {
    this.#call = undefined;
    if (this.idle || this.#firstByteAtMs !== undefined) this.fail(error, undefined);
    else this.#owner.lost(error);
  }

  estimated(inputTokens: number): void {
    this.#owner.estimated(inputTokens);
  }

  open(text: ByteText): void {
    if (this.idle) return;
    this.#firstByteAtMs = this.#lastChunkMs = performance.now();
    this.#owner.answering();
    const stream = this.#options.openStream(this);
    this.#stream = stream;
    const body = stream.begin();
    stream.write(text);
    this.#owed = this.#passedBytes = text.length;
    const headers = this.#owner.takeHeaders();
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.set("cache-control", "no-cache, no-transform");
    headers.set("x-accel-buffering", "no");
    this.#owner.turn("reading");
    this.#respond(new Response(body, { status: 200, headers }));
  }

  /** Of the stream: it has room. */
  drained(): void {
    if (this.#owed < STREAM_WINDOW / 2) return;
    this.#call?.credit(this.#owed);
    this.#owed = 0;
  }

  /** Of the stream: its reader has gone. */
  left(): void {
    this.abandon();
  }

  chunk(text: ByteText): void {
    const stream = this.#stream;
    if (stream === undefined || this.idle) return;
    const nowMs = performance.now();
    this.#options.gaps.observe((nowMs - this.#lastChunkMs) / 1000);
    this.#lastChunkMs = nowMs;
    this.#owed += text.length;
    this.#passedBytes += text.length;
    stream.write(text);
    if (this.#owed >= STREAM_WINDOW / 2 && stream.hasRoom) this.drained();
  }

  answer(text: ByteText): void {
    if (this.idle) return;
    this.#firstByteAtMs = performance.now();
    this.#owner.turn(text.length > AT_ONCE_BYTES ? "reading" : "idle");
    this.#owner.answering();
    this.#respond(jsonResponse(200, text, this.#owner.takeHeaders()));
  }

  done(ended: Ended): void {
    const ending = this.#ending;
    if (this.#gone) this.#end("cancelled", undefined, ended);
    else if (ending !== undefined) this.#end(ending.kind, ending, ended);
    else {
      this.#closeStream();
      this.#end("ok", undefined, ended);
    }
  }

  fail(error: GatewayError, ended: Ended | undefined): void {
    if (this.#over) return;
    const ending = this.#ending;
    if (this.#gone) this.#end("cancelled", error, ended);
    else if (ending !== undefined) this.#end(ending.kind, ending, ended);
    else {
      this.#tell(error);
      this.#end(error.kind, error, ended);
    }
  }

  /** Tells the client of a failure: as its answer, or as the end of its stream. */
  #tell(error: GatewayError): void {
    const { dialect, operation, requestId } = this.#options;
    if (this.#stream === undefined) {
      // A whole answer has been given: only its last report was lost.
      if (this.#firstByteAtMs !== undefined) return;
      this.#owner.turn("idle");
      this.#respond(errorResponse(dialect, error, requestId, this.#owner.takeHeaders()));
    } else {
      this.#stream.write(dialect.errorEvent(error, requestId, operation));
      this.#closeStream();
    }
  }

  /** The end of a stream. A client that has not taken all of it yet is still reading. */
  #closeStream(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    if (stream.hasRoom) this.#owner.turn("idle");
    stream.close();
  }

  #end(outcome: Outcome["outcome"], error: GatewayError | undefined, ended: Ended | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.ended({ outcome, error, ended, firstByteAtMs: this.#firstByteAtMs, passedBytes: this.#passedBytes });
  }
}

/** Whatever is longer, the SDKs ignore. */
const LONGEST_RETRY_MS = 59_000;

/** When another try may succeed, in both forms that clients read: from 1 ms to 59 s, rounded up. */
export function retryAfterHeaders(retryAfterMs: number): { "retry-after-ms": string; "retry-after": string } {
  const ms = Math.min(LONGEST_RETRY_MS, Math.max(1, Math.ceil(retryAfterMs)));
  return { "retry-after-ms": String(ms), "retry-after": String(Math.ceil(ms / 1000)) };
}

/** An answer in one piece. `headers` becomes that of this answer. */
export function jsonResponse(status: number, body: ByteText, headers: Headers): Response {
  headers.set("content-type", "application/json");
  return new Response(toBody(body), { status, headers });
}

/** An error before the first byte, in the dialect. */
export function errorResponse(dialect: Dialect, error: GatewayError, requestId: string, headers: Headers): Response {
  const status = error.detail.status ?? dialect.errorNames[error.kind].status ?? STATUS[error.kind];
  const retryAfterMs = error.detail.retryAfterMs ?? RETRY_AFTER_MS[error.kind];
  if (retryAfterMs !== undefined) for (const [name, value] of Object.entries(retryAfterHeaders(retryAfterMs))) headers.set(name, value);
  return jsonResponse(status, dialect.errorBody(error, requestId), headers);
}
