import type { ByteText } from "../contract/bytes.ts";
import type { CallEvents, Ended, PoolCall } from "../contract/call.ts";
import type { CallOperation, Dialect, Envelope } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import { Reply, type ReplyHeaders } from "../contract/http.ts";
import { STREAM_WINDOW } from "../contract/messages.ts";
import { OutgoingStream, type StreamOwner } from "../contract/stream.ts";
import type { Outcome } from "./outcome.ts";
import { errorReply, jsonReply, NO_STATUS } from "./reply.ts";

export interface AnswerOptions {
  dialect: Dialect;
  operation: CallOperation;
  requestId: string;
  /** Where the gaps between pieces of the stream are observed, in seconds. */
  gaps: { observe(seconds: number): void };
}

/** Whose answer it is: told what is not for the client. */
export interface AnswerOwner {
  /** The headers that the answer of this request begins with; asked for once. */
  takeHeaders(): ReplyHeaders;
  /** A worker has checked and weighed the body; see `CallEvents`. */
  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void;
  /** The request has left for its upstream. */
  sent(): void;
  estimated(inputTokens: number): void;
  /** What was left out of the request. */
  dropped(names: string): void;
  /** The cloud's guardrail has blocked or changed the answer. */
  guarded(): void;
  /** A target has failed the call, and the client has seen nothing: it goes on at another target, or ends. */
  missed(error: GatewayError, ended: Ended): void;
  /** The worker is gone, and the client has seen nothing: the call goes to another worker, or ends. */
  lost(error: GatewayError): void;
  /** The answer begins, and it is a good one. */
  answering(): void;
  /**
   * So much more of it waits for its reader.
   * @throws GatewayError `overloaded` where that is more than may wait.
   */
  waits(bytes: number): void;
  /** Nothing of it waits any more. */
  taken(): void;
  /** Called exactly once. */
  ended(outcome: Outcome): void;
}

/** What a socket takes at once: an answer up to here has gone when it has been written. */
const AT_ONCE_BYTES = 64 * 1024;

const NOBODY = (): void => {};

/**
 * From a worker's reports to the client's `Reply`. A stream is written as it comes; the worker is given credit for what the client's side
 * has taken, in portions of half a window, so that a stream which keeps up costs no message at all for a quarter of a megabyte.
 */
export class Answer implements CallEvents, StreamOwner {
  readonly #owner: AnswerOwner;
  readonly #options: AnswerOptions;
  #resolve: (reply: Reply) => void = NOBODY;
  #call: PoolCall | undefined;
  #stream: OutgoingStream | undefined;
  /** Bytes written for which the worker has no credit yet. */
  #owed = 0;
  #firstByteAtMs: number | undefined;
  #status = NO_STATUS;
  #passedBytes = 0;
  #lastChunkMs = 0;
  /** The client has left; the call's last report is still awaited, for what it used. */
  #gone = false;
  /** Why the client does not get the rest, or any of it; the call's last report is still awaited. */
  #refusal: GatewayError | undefined;
  /** The client knows of the refusal. */
  #isTold = false;
  /** Everything was written, and the client has yet to take some of it. */
  #closing = false;
  #over = false;

  constructor(owner: AnswerOwner, options: AnswerOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  /** The answer, once there is one. */
  begin(): Promise<Reply> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** A stream that is open holds neither the promise nor, through it, the `Reply`. */
  #respond(reply: Reply): void {
    if (!this.#gone) this.#status = reply.status;
    const resolve = this.#resolve;
    this.#resolve = NOBODY;
    resolve(reply);
  }

  /** True once nobody waits for an answer: a call that has not started need not. */
  get idle(): boolean {
    return this.#gone || this.#over || this.#refusal !== undefined;
  }

  /** The call whose reports come here. */
  attach(call: PoolCall): void {
    this.#call = call;
  }

  /** The client has gone, before or after the first byte. */
  abandon(): void {
    if (this.#gone || this.#over || this.#isTold) return;
    this.#gone = true;
    if (this.#call === undefined) this.#end("cancelled", undefined, undefined);
    else this.#call.cancel();
    if (this.#resolve === NOBODY) return;
    // A client that has closed its half of the connection alone reads it.
    const error = new GatewayError("cancelled", { message: "The client closed the connection before its answer began." });
    this.#respond(errorReply(this.#options.dialect, error, this.#options.requestId, this.#owner.takeHeaders()));
  }

  /** Ends the call now: the client is told why, and its worker to stop. */
  expire(error: GatewayError): void {
    if (this.idle) return;
    this.#refusal = error;
    this.#tell(error);
    if (this.#call === undefined) this.#end(error.kind, error, undefined);
    else this.#call.cancel();
  }

  lost(error: GatewayError): void {
    this.#call = undefined;
    if (this.idle || this.#firstByteAtMs !== undefined) this.fail(this.#refusal ?? error, undefined);
    else this.#owner.lost(error);
  }

  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void {
    if (!this.idle) this.#owner.weighed(envelope, conversation, estimate, user);
  }

  sent(): void {
    this.#owner.sent();
  }

  missed(error: GatewayError, ended: Ended): void {
    // The order to end it is on its way to the worker, which reports the end.
    if (!this.idle) this.#owner.missed(error, ended);
  }

  estimated(inputTokens: number): void {
    this.#owner.estimated(inputTokens);
  }

  dropped(names: string): void {
    if (!this.idle) this.#owner.dropped(names);
  }

  guarded(): void {
    if (!this.idle) this.#owner.guarded();
  }

  open(text: ByteText): void {
    if (this.idle) return;
    this.#firstByteAtMs = this.#lastChunkMs = performance.now();
    this.#owner.answering();
    if (text.length > AT_ONCE_BYTES && !this.#wait(text.length)) return;
    const stream = new OutgoingStream(this);
    this.#stream = stream;
    stream.write(text);
    this.#owed = this.#passedBytes = text.length;
    const headers = this.#owner.takeHeaders();
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.set("cache-control", "no-cache, no-transform");
    headers.set("x-accel-buffering", "no");
    this.#respond(new Reply(200, headers, stream));
  }

  /** Of the stream: it has room. */
  drained(): void {
    this.#owner.taken();
    if (this.#closing) {
      this.#closing = false;
      this.#stream?.close();
      return;
    }
    if (this.#owed < STREAM_WINDOW / 2) return;
    this.#call?.credit(this.#owed);
    this.#owed = 0;
  }

  /** Of the stream: its reader has gone. */
  left(): void {
    this.#owner.taken();
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
    if (!stream.hasRoom) this.#wait(text.length);
    else if (this.#owed >= STREAM_WINDOW / 2) this.drained();
  }

  answer(text: ByteText): void {
    if (this.idle) return;
    this.#firstByteAtMs = performance.now();
    this.#owner.answering();
    if (text.length > AT_ONCE_BYTES) {
      this.#answerLarge(text);
      return;
    }
    this.#respond(jsonReply(200, text, this.#owner.takeHeaders()));
  }

  /** As a stream, which tells when its reader has taken it: until then it is in memory, and counts. */
  #answerLarge(text: ByteText): void {
    if (!this.#wait(text.length)) return;
    const stream = new OutgoingStream(this);
    this.#stream = stream;
    this.#closing = true;
    const headers = this.#owner.takeHeaders();
    headers.set("content-type", "application/json");
    headers.set("content-length", String(text.length));
    stream.write(text);
    this.#respond(new Reply(200, headers, stream));
  }

  /** So much more waits for the reader. False where it is too much: then the call ends, and what it has used is still awaited. */
  #wait(bytes: number): boolean {
    try {
      this.#owner.waits(bytes);
      return true;
    } catch (thrown) {
      this.#refusal = asGatewayError(thrown);
      this.#call?.cancel();
      return false;
    }
  }

  done(ended: Ended): void {
    if (this.#gone) this.#end("cancelled", undefined, ended);
    else if (this.#refusal !== undefined) this.fail(this.#refusal, ended);
    else {
      this.#closeStream();
      this.#end("ok", undefined, ended);
    }
  }

  fail(error: GatewayError, ended: Ended | undefined): void {
    if (this.#over) return;
    if (this.#gone) {
      this.#end("cancelled", error, ended);
      return;
    }
    // What the worker says of a call that it was told to end is not why it ended.
    const cause = this.#refusal ?? error;
    this.#tell(cause);
    this.#end(cause.kind, cause, ended);
  }

  /** Tells the client of a failure, once: as its answer, or as the end of its stream. */
  #tell(error: GatewayError): void {
    // Of a whole answer that has been given, only the last report was lost.
    if (this.#isTold || this.#closing) return;
    this.#isTold = true;
    const { dialect, operation, requestId } = this.#options;
    if (this.#stream === undefined) {
      if (this.#resolve === NOBODY) return;
      this.#respond(errorReply(dialect, error, requestId, this.#owner.takeHeaders()));
    } else {
      if (error.detail.isShown !== true) this.#stream.write(dialect.errorEvent(error, requestId, operation));
      this.#closeStream();
    }
  }

  /** The end of a stream. A client that has not taken all of it yet is still reading. */
  #closeStream(): void {
    const stream = this.#stream;
    // A whole answer closes when it has been taken.
    if (stream === undefined || this.#closing) return;
    if (stream.hasRoom) stream.close();
    else this.#closing = true;
  }

  #end(outcome: Outcome["outcome"], error: GatewayError | undefined, ended: Ended | undefined): void {
    if (this.#over) return;
    this.#over = true;
    const [status, firstByteAtMs, passedBytes] = [this.#status, this.#firstByteAtMs, this.#passedBytes];
    this.#owner.ended({ outcome, error, ended, status, firstByteAtMs, passedBytes });
  }
}
