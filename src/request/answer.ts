import type { ByteText } from "../contract/bytes.ts";
import type { CallEvents, Ended, PoolCall } from "../contract/call.ts";
import type { CallOperation, Dialect, Envelope } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import { Reply, type ReplyHeaders } from "../contract/http.ts";
import { STREAM_WINDOW } from "../contract/messages.ts";
import { OutgoingStream, type StreamOwner } from "../contract/stream.ts";
import { NO_STATUS, type Outcome } from "./outcome.ts";
import { errorReply, jsonReply } from "./reply.ts";

export interface AnswerOptions {
  dialect: Dialect;
  operation: CallOperation;
  requestId: string;
  /** Takes the gaps between the pieces of the stream, in seconds. */
  gaps: { observe(seconds: number): void };
}

/** The owner of an answer. It gets the reports that do not concern the client. */
export interface AnswerOwner {
  /** The headers of the answer; called once, when it begins. */
  takeHeaders(): ReplyHeaders;
  /** A worker has checked and weighed the body; see `CallEvents`. */
  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void;
  /** The request has left for its upstream. */
  sent(): void;
  estimated(inputTokens: number): void;
  /** Names that were left out of the request. */
  dropped(names: string): void;
  /** The cloud's guardrail has blocked or changed the answer. */
  guarded(): void;
  /** A target has failed, and the client has seen nothing: the owner sends the call to another target, or ends it. */
  missed(error: GatewayError, ended: Ended): void;
  /** The worker is gone, and the client has seen nothing: the owner gives the call to another worker, or ends it. */
  lost(error: GatewayError): void;
  /** The answer begins, and it is no error. */
  answering(): void;
  /**
   * So many more bytes of the answer wait for the client to read them.
   * @throws GatewayError `overloaded` where that is more than may wait.
   */
  waits(bytes: number): void;
  /** No byte of the answer waits any more. */
  taken(): void;
  /** Called exactly once. */
  ended(outcome: Outcome): void;
}

/** Bytes that a socket takes at once: an answer up to this length has left when it has been written. */
const AT_ONCE_BYTES = 64 * 1024;

const NO_CLIENT = (): void => {};

/**
 * Turns the reports of a worker into the client's `Reply`. A stream is written as it comes. The worker gets credit for what the client has taken, in portions of
 * half a window: so a stream that is read at once costs one message to the worker for half a window, and none before that.
 * It ends by `done` or `fail` (the last report of the worker), `lost` (the worker is gone), `abandon` (the client has left) or `expire` (the client's time is up).
 * After the last two, the last report of the worker is still awaited, because it says what the call has used. `AnswerOwner.ended` is called once in every case.
 */
export class Answer implements CallEvents, StreamOwner {
  readonly #owner: AnswerOwner;
  readonly #options: AnswerOptions;
  #resolve: (reply: Reply) => void = NO_CLIENT;
  #call: PoolCall | undefined;
  #stream: OutgoingStream | undefined;
  /** Bytes written for which the worker has no credit yet. */
  #owed = 0;
  #firstByteAtMs: number | undefined;
  #status = NO_STATUS;
  #passedBytes = 0;
  #lastChunkMs = 0;
  /** The client has left. The last report of the call is still awaited, because it says what the call used. */
  #gone = false;
  /** Why the client does not get the answer, or the rest of it. The last report of the call is still awaited. */
  #refusal: GatewayError | undefined;
  /** The client has been sent an error. */
  #hasShownError = false;
  /** Everything has been written, and the client has not taken all of it. */
  #closing = false;
  #over = false;

  constructor(owner: AnswerOwner, options: AnswerOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  /** The promise of the answer. */
  begin(): Promise<Reply> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Resolves the promise, and drops its function: an open stream shall not keep the promise and the `Reply` in memory. */
  #respond(reply: Reply): void {
    if (!this.#gone) this.#status = reply.status;
    const resolve = this.#resolve;
    this.#resolve = NO_CLIENT;
    resolve(reply);
  }

  /** True from the moment when no client waits for an answer: the call has ended, was refused, or its client has left. Such a call need not go on. */
  get idle(): boolean {
    return this.#gone || this.#over || this.#refusal !== undefined;
  }

  /** `call`: the call at the worker whose reports come to this answer. */
  attach(call: PoolCall): void {
    this.#call = call;
  }

  /** The client has left, before or after the first byte. */
  abandon(): void {
    if (this.#gone || this.#over || this.#hasShownError) return;
    this.#gone = true;
    if (this.#call === undefined) this.#end("cancelled", undefined, undefined);
    else this.#call.cancel();
    if (this.#resolve === NO_CLIENT) return;
    // A client that has closed only its own half of the connection reads this error.
    const error = new GatewayError("cancelled", { message: "The client closed the connection before its answer began." });
    this.#respond(errorReply(this.#options.dialect, error, this.#options.requestId, this.#owner.takeHeaders()));
  }

  /** Ends the call now: the client gets the error, and the worker stops. */
  expire(error: GatewayError): void {
    if (this.idle) return;
    this.#refusal = error;
    this.#showError(error);
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
    // Where the answer is idle, the worker has been ordered to end the call, and will report the end.
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

  /** Called by the stream: it has room again. */
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

  /** Called by the stream: its reader has left. */
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

  /** Writes a large answer as a stream, because a stream reports when its reader has taken everything. Until then the bytes count as held in memory. */
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

  /** Counts bytes that wait for the reader. False where they are too many: then the call is cancelled, and only its last report is awaited. */
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
    // The call was cancelled for the refusal. What the worker reports after that is not the reason of its end.
    const cause = this.#refusal ?? error;
    this.#showError(cause);
    this.#end(cause.kind, cause, ended);
  }

  /** Sends an error to the client, once: as its answer, or at the end of its stream. */
  #showError(error: GatewayError): void {
    // Where all of a whole answer has been written, the client has a good answer, and only the last report is missing.
    if (this.#hasShownError || this.#closing) return;
    this.#hasShownError = true;
    const { dialect, operation, requestId } = this.#options;
    if (this.#stream === undefined) {
      if (this.#resolve === NO_CLIENT) return;
      this.#respond(errorReply(dialect, error, requestId, this.#owner.takeHeaders()));
    } else {
      if (error.detail.isShown !== true) this.#stream.write(dialect.errorEvent(error, requestId, operation));
      this.#closeStream();
    }
  }

  /** Closes the stream; where the client has not taken all of it, as soon as it has. */
  #closeStream(): void {
    const stream = this.#stream;
    // A large whole answer closes when it has been taken (`drained`).
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
