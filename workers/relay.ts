import { type ByteText, copied } from "../src/contract/bytes.ts";
import { type Ended, NOTHING_USED } from "../src/contract/call.ts";
import { CALLS, type Dialect, type Translation } from "../src/contract/dialect.ts";
import { asGatewayError, type GatewayError, TARGET_FAILURES } from "../src/contract/errors.ts";
import { throwLater } from "../src/contract/fault.ts";
import { STREAM_WINDOW } from "../src/contract/messages.ts";
import {
  reportAnswer,
  reportChunk,
  reportDone,
  reportDropped,
  reportFail,
  reportGuarded,
  reportLesson,
  reportMissed,
  reportSent,
} from "../src/contract/reports.ts";
import { noUsage } from "../src/contract/usage.ts";
import {
  type Call,
  type CallHost,
  type CallTarget,
  connectionFailure,
  Guarded,
  type InputTokens,
  type OnMissed,
  Refusal,
  secretsOf,
  weigh,
  withPassedOn,
} from "./call.ts";
import { tooMuchHeld, UNCOUNTED_BYTES } from "./hold.ts";
import type { Job, Reader } from "./providers/provider.ts";
import { shownId, withoutSecrets } from "./providers/secrets.ts";
import { hasInput, usedTokens } from "./used.ts";
import type { Ticket } from "./wire/clock.ts";
import type { HttpClient, HttpEvents, HttpExchange, HttpFailure, HttpHeaders } from "./wire/http.ts";

/**
 * One call, from the request to the upstream to the last report for the client. Its states follow from what has come: nothing, a head, the first
 * text; and it is over (`#over`) once `done` or `fail` was reported or it was cancelled.
 */
export class Relay implements Call, HttpEvents {
  readonly #id: number;
  readonly #host: CallHost;
  readonly #dialect: Dialect;
  readonly #job: Job;
  readonly #target: CallTarget;
  readonly #onOver: (id: number) => void;
  readonly #onMissed: OnMissed;
  #exchange: HttpExchange | undefined;
  #reader: Reader | undefined;
  #refusal: Refusal | undefined;
  /** A refusal has taught something already: there is one more try, and no further one. */
  #isLearned = false;
  /** The guardrail's intervention has been reported. */
  #isGuarded = false;
  #upstreamRequestId = "";
  #translator: ReturnType<Translation["stream"]> | undefined;
  #keepAlive: Ticket | undefined;
  /** `performance.now()` when the upstream was sent its request; 0 before. */
  #sentMs = 0;
  /** How often the upstream was sent the request. */
  #attempts = 0;
  #firstByteMs = 0;
  #lastTextMs = 0;
  #opened = false;
  #over = false;
  /** Bytes that the client has not taken yet. */
  #outstanding = 0;
  #paused = false;
  /** Bytes of its answer that are counted in the host's `Hold`. */
  #held = 0;
  readonly #input: InputTokens;

  constructor(
    id: number,
    host: CallHost,
    dialect: Dialect,
    job: Job,
    input: InputTokens,
    target: CallTarget,
    onOver: (id: number) => void,
    onMissed: OnMissed,
  ) {
    this.#id = id;
    this.#host = host;
    this.#dialect = dialect;
    this.#job = job;
    this.#input = input;
    this.#target = target;
    this.#onOver = onOver;
    this.#onMissed = onMissed;
    try {
      this.#ask();
    } catch (thrown) {
      this.fault(thrown);
    }
  }

  get over(): boolean {
    return this.#over;
  }

  credit(bytes: number): void {
    this.#outstanding -= bytes;
    if (this.#paused && this.#outstanding < STREAM_WINDOW / 2) {
      this.#paused = false;
      this.#exchange?.resume();
    }
  }

  /** The upstream's connection is closed at once. */
  cancel(): void {
    this.#exchange?.abort();
    this.#done();
  }

  fault(thrown: unknown): void {
    const exchange = this.#exchange;
    const error = asGatewayError(thrown);
    // The call's end has been reported, or the report was tried.
    if (this.#over) throwLater(thrown);
    try {
      this.#fail(error);
    } catch {
      // Not even the report of its end could be made: the end is reported without usage.
      this.#over = true;
      reportFail(this.#host.outbox.next(), this.#id, error.kind, error.detail, NOTHING_USED);
      this.#onOver(this.#id);
    }
    exchange?.abort();
  }

  resent(): void {
    this.#attempts += 1;
  }

  head(status: number, headers: HttpHeaders): void {
    const { adapter } = this.#target;
    this.#upstreamRequestId = copied(shownId(adapter.upstreamRequestId(headers), secretsOf(this.#target)));
    if (status === 200) {
      this.#reader = adapter.reader(this.#job, headers);
      if (this.#job.isLast) this.#letGoOfBody();
    } else this.#refusal = new Refusal(status, headers);
  }

  chunk(bytes: Uint8Array): void {
    const reader = this.#reader;
    if (reader === undefined) {
      this.#refusalChunk(bytes);
      return;
    }
    const text = this.#translated(reader, reader.push(bytes));
    if (reader.usage.isGuarded) this.#reportGuardedOnce();
    if (text !== "") this.#emit(text);
    const { held } = reader;
    if (held > UNCOUNTED_BYTES || this.#held > 0) this.#hold(reader, held > UNCOUNTED_BYTES ? held : 0);
    if (reader.error !== undefined) this.#break(reader.error);
    // A stream that has said its last word is over for the client; its connection comes to its own end and is used again.
    else if (reader.complete && this.#job.stream) this.#done();
  }

  #hold(reader: Reader, bytes: number): void {
    if (this.#host.hold.change(this.#target.name, this.#held, bytes)) this.#held = bytes;
    else if (reader.error === undefined) this.#break(tooMuchHeld(this.#target.name));
  }

  #refusalChunk(bytes: Uint8Array): void {
    const refusal = this.#refusal;
    if (refusal === undefined || !refusal.add(bytes)) return;
    // The rest is not waited for.
    const exchange = this.#exchange;
    this.end();
    exchange?.abort();
  }

  end(): void {
    if (this.#refusal !== undefined) {
      const { status, headers, body } = this.#refusal;
      if (this.#isTaught(status, body)) return;
      this.#fail(this.#target.adapter.failure(this.#job, status, headers, body));
      return;
    }
    const reader = this.#reader;
    if (reader === undefined) return;
    const text = this.#translated(reader, reader.end());
    if (reader.usage.isGuarded) this.#reportGuardedOnce();
    if (this.#job.stream) {
      if (text !== "") this.#emit(text);
      if (reader.error !== undefined) this.#fail(reader.error);
      else this.#done();
    } else if (reader.error !== undefined && !reader.complete) this.#fail(reader.error);
    else {
      // From here on no other target may answer the call.
      this.#opened = true;
      reportAnswer(this.#host.outbox.next(), this.#id, text);
      // A whole answer may itself say that the call failed.
      if (reader.error === undefined) this.#done();
      else this.#fail(reader.error);
    }
  }

  fail(failure: HttpFailure): void {
    // An error answer whose body broke off still says by its status what is wrong.
    if (this.#refusal !== undefined && failure.reason !== "malformed" && failure.reason !== "fault") this.end();
    else this.#fail(connectionFailure(failure, this.#opened));
  }

  #ask(): void {
    const request = this.#target.adapter.request(this.#job);
    if (request instanceof Promise) request.then((ready) => this.#send(ready)).catch((thrown) => this.fault(thrown));
    else this.#send(request);
  }

  /** Whether a refusal has taught what to leave out, and the upstream is asked once more without it. */
  #isTaught(status: number, body: ByteText): boolean {
    const lesson = this.#target.adapter.lesson?.(this.#job, status, body);
    if (lesson === undefined) return false;
    if (lesson.line !== "") reportLesson(this.#host.outbox.next(), this.#target.id, lesson.taught, lesson.line);
    if (this.#isLearned) return false;
    this.#isLearned = true;
    this.#refusal = undefined;
    this.#ask();
    return true;
  }

  #send(request: Parameters<HttpClient["send"]>[0]): void {
    if (this.#over) return;
    if (this.#sentMs === 0) this.#sentMs = performance.now();
    this.#attempts += 1;
    if (this.#job.dropped !== "") reportDropped(this.#host.outbox.next(), this.#id, this.#job.dropped);
    const { along } = this.#job;
    if (along.isTimed) reportSent(this.#host.outbox.next(), this.#id);
    this.#exchange = this.#host.client.send(withPassedOn(request, along), this.#target.timeouts, new Guarded(this));
    // While the request is on its way.
    weigh(this.#id, this.#host, this.#dialect, this.#job, this.#input);
  }

  /** The text in the client's protocol, where that is not the upstream's. */
  #translated(reader: Reader, text: ByteText): ByteText {
    const { translation } = this.#dialect;
    if (translation === undefined || text === "") return text;
    if (!this.#job.stream) return translation.answer(text, reader.usage);
    this.#translator ??= translation.stream();
    return this.#translator.push(text, reader.usage);
  }

  #emit(text: ByteText): void {
    if (!this.#job.stream) return;
    this.#lastTextMs = this.#host.wheel.nowMs;
    if (this.#opened) reportChunk(this.#host.outbox.next(), this.#id, text);
    else {
      this.#opened = true;
      this.#letGoOfBody();
      this.#firstByteMs = performance.now() - this.#sentMs;
      this.#host.outbox.open(this.#id, text);
      this.#armKeepAlive();
    }
    this.#outstanding += text.length;
    if (this.#outstanding >= STREAM_WINDOW && !this.#paused) {
      this.#paused = true;
      this.#exchange?.pause();
    }
  }

  /** One ticket on the shared wheel, looked at only when it comes due: a chunk costs a time stamp. */
  #armKeepAlive(): void {
    const { wheel, keepAliveMs } = this.#host;
    this.#keepAlive = wheel.schedule(keepAliveMs, () => {
      // A client that is slow to read has enough to read.
      if (wheel.nowMs - this.#lastTextMs >= keepAliveMs && !this.#paused) this.#emit(this.#dialect.keepAlive);
      return Math.max(1, keepAliveMs - (wheel.nowMs - this.#lastTextMs));
    });
  }

  #reportGuardedOnce(): void {
    if (this.#isGuarded) return;
    this.#isGuarded = true;
    reportGuarded(this.#host.outbox.next(), this.#id);
  }

  /** The answer itself went wrong; the rest of its bytes is of no use. */
  #break(error: GatewayError): void {
    const exchange = this.#exchange;
    this.#fail(error);
    exchange?.abort();
  }

  #done(): void {
    if (this.#over) return;
    const ended = this.#ended(true);
    reportDone(this.#host.outbox.next(), this.#id, ended);
    this.#finish();
  }

  #fail(error: GatewayError): void {
    if (this.#over) return;
    const isMissed = !this.#opened && !this.#job.isLast && (TARGET_FAILURES.has(error.kind) || error.detail.elsewhere === true);
    // Before the report: the front may answer it at once.
    if (isMissed) this.#onMissed(this.#id, this.#dialect.name, this.#job, this.#input);
    const detail = withoutSecrets(secretsOf(this.#target), error.detail);
    const ended = this.#ended(false);
    const report = isMissed ? reportMissed : reportFail;
    report(this.#host.outbox.next(), this.#id, error.kind, detail, ended);
    this.#finish();
  }

  /** A stream may stay open for an hour, and the request is not needed any more. */
  #letGoOfBody(): void {
    this.#job.body = "";
  }

  /** @param isGood - The call has not failed. */
  #ended(isGood: boolean): Ended {
    const upstreamMs = this.#sentMs === 0 ? 0 : performance.now() - this.#sentMs;
    const estimate = this.#input.estimate ?? 0;
    const corrected = Math.ceil(estimate * this.#input.factor);
    if (this.#reader?.usage.isOdd)
      this.#host.outbox.notice(`upstream "${this.#target.name}" reported tokens that are no numbers of tokens; they are not counted`);
    const wasTaken = this.#sentMs > 0 && this.#refusal === undefined;
    const isCounted = wasTaken && CALLS[this.#job.operation].window === "calls";
    const used = isCounted ? usedTokens(this.#reader, corrected, !isGood && !this.#opened) : noUsage();
    // Where the upstream has not counted, nothing can be learned.
    const isLesson = !isGood || (this.#reader?.complete === true && hasInput(this.#reader.usage));
    const firstByteMs = this.#job.stream ? this.#firstByteMs : upstreamMs;
    return {
      usage: { ...used, reasoning: Math.min(used.reasoning, used.output) },
      firstByteMs,
      upstreamMs,
      upstreamRequestId: this.#upstreamRequestId,
      estimate: isLesson ? estimate : 0,
      // Even without its id the answer may still be going on at the upstream.
      unfinished: wasTaken && this.#job.goesOn ? (this.#reader?.unfinished ?? "?") : "",
      attempts: this.#attempts,
    };
  }

  #finish(): void {
    this.#over = true;
    if (this.#held > 0) this.#host.hold.change(this.#target.name, this.#held, 0);
    this.#held = 0;
    this.#exchange?.letEnd();
    this.#keepAlive?.cancel();
    this.#onOver(this.#id);
  }
}
