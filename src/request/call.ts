import { toByteText } from "../contract/bytes.ts";
import type { Ended, PoolCall } from "../contract/call.ts";
import type { Config } from "../contract/config.ts";
import { CALLS, type CallOperation, type Envelope } from "../contract/dialect.ts";
import { asGatewayError, type FailureDetail, GatewayError } from "../contract/errors.ts";
import type { OpenStream } from "../contract/stream.ts";
import type { Turn } from "../contract/turn.ts";
import type { Admission } from "../limiter/admission.ts";
import type { Decision } from "../limiter/limiter.ts";
import { refusal, showWindows } from "../limiter/refusal.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Pool } from "../pool/pool.ts";
import { sessionOf } from "../routing/affinity.ts";
import type { Catalog } from "../routing/catalog.ts";
import type { Router } from "../routing/router.ts";
import type { Offer } from "../routing/table.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import { Answer, type AnswerOwner, type Outcome } from "./answer.ts";
import { findModel } from "./asked.ts";
import { declaredBytes, readBody } from "./body.ts";
import type { BodyClock, Sender } from "./body-clock.ts";
import type { Place, Room } from "./room.ts";
import { takeHeaders, type Visit, wasAttempted } from "./visit.ts";

export interface CallParts {
  config: Config;
  catalog: Catalog;
  router: Router<RoutedTarget>;
  pool: Pool;
  admission: Admission;
  metrics: Metrics;
  room: Room;
  bodyClock: BodyClock;
  /** See `Listener.turn`. */
  turn(request: Request, turn: Turn): void;
  /** See `runtime.ts`. */
  openStream: OpenStream;
}

/** Bodies up to here are parsed on the front's thread; larger ones by a worker, so that nobody waits behind them. */
const FRONT_BYTES = 64 * 1024;

/**
 * A request that a worker answers: its body is read, checked, routed and reserved for, and a worker is given it. Written as callbacks on one object
 * and not as async functions: their frames live as long as a reservation's round trip, and were a tenth of what the front allocates.
 */
export class Call implements AnswerOwner, Sender {
  readonly #parts: CallParts;
  readonly #visit: Visit;
  readonly #operation: CallOperation;
  readonly #onEnd: (visit: Visit, outcome: Outcome) => void;
  readonly #answer: Answer;
  #request: Request | undefined;
  #worker: PoolCall | undefined;
  #place: Place | undefined;
  /** Hash of the conversation that it belongs to; 0 where that does not matter. */
  #conversation = 0;
  #begunMs = 0;

  /** @param onEnd - Called exactly once. */
  constructor(parts: CallParts, visit: Visit, operation: CallOperation, onEnd: (visit: Visit, outcome: Outcome) => void) {
    this.#parts = parts;
    this.#visit = visit;
    this.#operation = operation;
    this.#onEnd = onEnd;
    const { dialect, requestId } = visit;
    const gaps = parts.metrics.chunkGaps(visit.route);
    this.#answer = new Answer(this, { dialect, operation, requestId, gaps, openStream: parts.openStream });
  }

  /**
   * Never rejects.
   * @throws GatewayError `overloaded`, at once: then nothing has begun, and `onEnd` is not called.
   */
  begin(request: Request): Promise<Response> {
    const { room, config } = this.#parts;
    const { maxBodyBytes } = config.server;
    const { name = "", maxConcurrent } = this.#visit.identity?.workspace ?? {};
    const place = room.enter(name, maxConcurrent, declaredBytes(request, maxBodyBytes));
    this.#place = place;
    const answer = this.#answer;
    this.#begunMs = performance.now();
    const response = answer.begin();
    // Before the first byte only the signal tells that the client has gone. Deno fires it after a good answer as well; that is harmless here.
    // As a property, since a listener that is added costs several times as much of each call.
    request.signal.onabort = () => answer.abandon();
    this.#request = request;
    this.turn("sending");
    this.#parts.bodyClock.begin(this, this.#visit.startedMs);
    readBody(request, maxBodyBytes, (bytes) => place.hold(bytes)).then(
      (body) => this.#arrived(request, body),
      (thrown) => this.#failed(request, thrown),
    );
    return response;
  }

  /** Of the answer. */
  takeHeaders(): Headers {
    // The answer begins, so nobody will ask for the body again.
    this.#place?.letGo();
    const { attempts, headers } = this.#visit;
    if (attempts.length > 0) headers.set("x-weir-attempts", String(attempts.length));
    return takeHeaders(this.#visit);
  }

  /** Of the answer. */
  turn(turn: Turn): void {
    if (this.#request !== undefined) this.#parts.turn(this.#request, turn);
  }

  /** Of the clock of bodies. The connection ends with the answer, as what follows on it is still the body. */
  late(): void {
    if (this.#answer.idle) return;
    this.#visit.headers.set("connection", "close");
    const message = "The request's body took too long to arrive: the connection is slow, or not all of it was sent.";
    this.#answer.fail(new GatewayError("body_timeout", { message }), undefined);
  }

  /** Of the answer: a worker has checked and weighed a body. */
  weighed(envelope: Envelope, conversation: number, estimate: number): void {
    try {
      const offer = this.#route(envelope);
      if (this.#conversation === 0) this.#conversation = conversation;
      const go = () => {
        const target = this.#firstAttempt(offer);
        this.#worker?.go(target.id, this.#isLast(offer), this.#visit.requestId, this.#visit.factor);
      };
      this.#whenDecided(this.#parts.admission.byWeight(this.#visit.claim, estimate), go);
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  /** Of the answer: the guess was far off. */
  estimated(inputTokens: number): void {
    const { reservation } = this.#visit;
    if (reservation !== undefined) this.#parts.admission.correct(reservation, inputTokens);
  }

  /** Of the answer: the client has seen nothing, so another target may do. */
  missed(error: GatewayError, ended: Ended): void {
    const { offer, attempts, requestId } = this.#visit;
    const { router, metrics } = this.#parts;
    this.#attemptEnded(error.kind, error.detail, ended);
    const next = offer && router.next(offer, this.#conversation, performance.now(), attempts);
    if (offer === undefined || next === undefined) {
      this.#worker?.cancel();
      this.#answer.fail(error, ended);
      return;
    }
    const pauseMs = router.pauseMs(attempts.length);
    attempts.push({ ...next, outcome: undefined });
    metrics.upstreams.retried(next.target.upstream.name);
    this.#learnsFrom(next.target);
    setTimeout(() => {
      if (!this.#answer.idle) this.#worker?.go(next.target.id, this.#isLast(offer), requestId, this.#visit.factor);
    }, pauseMs);
  }

  /** Of the answer. */
  answering(): void {
    const attempt = this.#visit.attempts.at(-1);
    if (attempt !== undefined) this.#parts.router.answered(attempt, performance.now());
  }

  /** Of the answer. */
  waits(bytes: number): void {
    this.#place?.holdAnswer(bytes);
  }

  /** Of the answer. */
  taken(): void {
    this.#place?.letGoOfAnswer();
  }

  /** Of the answer. */
  ended(outcome: Outcome): void {
    this.#place?.leave();
    // What never left for the upstream was no attempt at it.
    if (!wasAttempted(outcome)) this.#withdraw();
    this.#attemptEnded(outcome.outcome, outcome.error?.detail, outcome.ended);
    this.#onEnd(this.#visit, outcome);
  }

  #failed(request: Request, thrown: unknown): void {
    this.#parts.bodyClock.end(this);
    if (request.signal.aborted) this.#answer.abandon();
    else this.#answer.fail(asGatewayError(thrown), undefined);
  }

  #arrived(request: Request, bytes: ArrayBuffer): void {
    const { bodyClock, config, pool } = this.#parts;
    const { dialect } = this.#visit;
    bodyClock.end(this);
    // It was late, or its client has left.
    if (this.#answer.idle) return;
    try {
      this.#visit.bytes = bytes.byteLength;
      this.#visit.uploadMs = performance.now() - this.#begunMs;
      this.turn("waiting");
      if (this.#parts.catalog.hasChoices) this.#conversation = sessionOf(request.headers);
      const hints = dialect.hints(request.headers, config.strictParameters);
      if (bytes.byteLength <= FRONT_BYTES) this.#check(bytes, hints);
      else this.#hold(pool.weigh(dialect.name, this.#operation, hints, bytes, this.#answer));
    } catch (thrown) {
      this.#failed(request, thrown);
    }
  }

  /** Checks and reserves a small body here; where that cannot be decided without a worker's figure, it is weighed first. */
  #check(bytes: ArrayBuffer, hints: string): void {
    const { admission, pool } = this.#parts;
    const { dialect, requestId } = this.#visit;
    const operation = this.#operation;
    const body = toByteText(Buffer.from(bytes));
    const checked = dialect.check(body, hints, operation);
    const { model, stream } = checked;
    const offer = this.#route(checked);
    // Only where there is a choice: it costs a look at the conversation's first words.
    if (this.#conversation === 0 && offer.targets.length > 1 && CALLS[operation].writes)
      this.#conversation = dialect.conversation(checked.request);
    const weigh = () => this.#hold(pool.weigh(dialect.name, operation, hints, bytes, this.#answer));
    if (offer.exact) {
      if (!this.#answer.idle) weigh();
      return;
    }
    const guess = admission.guess(this.#visit.claim, body);
    const send = () => {
      const target = this.#firstAttempt(offer).id;
      const isLast = this.#isLast(offer);
      const { factor } = this.#visit;
      this.#hold(
        pool.call({ dialect: dialect.name, operation, target, isLast, stream, model, hints, requestId, guess, factor, body }, this.#answer),
      );
    };
    this.#whenDecided(admission.byGuess(this.#visit.claim, body, guess), send, weigh);
  }

  #hold(worker: PoolCall): void {
    this.#worker = worker;
    this.#answer.attach(worker);
  }

  /** @throws GatewayError `unknown_model` */
  #route({ model, stream, maxTokens }: Envelope): Offer {
    const visit = this.#visit;
    const workspace = visit.identity?.workspace.name ?? "";
    visit.stream = stream;
    const offer = findModel(this.#parts.catalog, visit, model);
    visit.offer = offer;
    const { window, writes } = CALLS[this.#operation];
    const { limits, exact, targets } = offer;
    // Which target it will be is decided when it is admitted; what the first one taught is what there is to go by.
    const upstream = targets[0].upstream.name;
    visit.claim = { workspace, model: offer.model, upstream, exact, window, limits, maxTokens, writes };
    visit.factor = this.#parts.admission.factor(visit.claim);
    return offer;
  }

  /** Chosen once for each call, when it is admitted. */
  #firstAttempt(offer: Offer): RoutedTarget {
    const { target, isProbe, isJudged } = this.#parts.router.first(offer, this.#conversation, performance.now());
    this.#visit.attempts = [{ target, isProbe, isJudged, outcome: undefined }];
    this.#learnsFrom(target);
    return target;
  }

  /** What the call teaches is a lesson of the upstream that answers it. */
  #learnsFrom({ upstream }: RoutedTarget): void {
    const { claim } = this.#visit;
    if (claim.upstream !== upstream.name) this.#visit.claim = { ...claim, upstream: upstream.name };
  }

  /** Whether the attempt that begins now is the last that there can be. A count has the estimate to fall back on. */
  #isLast({ targets }: Offer): boolean {
    return this.#visit.attempts.length >= targets.length || this.#operation === "count_tokens";
  }

  /** Takes back the attempt that was chosen and not made. */
  #withdraw(): void {
    const attempt = this.#visit.attempts.at(-1);
    if (attempt === undefined || attempt.outcome !== undefined) return;
    this.#parts.router.ended(attempt, "cancelled", undefined, performance.now());
    this.#visit.attempts.pop();
  }

  /** The attempt that was under way has ended; once, whoever says so. */
  #attemptEnded(outcome: Outcome["outcome"], detail: FailureDetail | undefined, ended: Ended | undefined): void {
    const { attempts, offer } = this.#visit;
    const attempt = attempts.at(-1);
    if (attempt === undefined || attempt.outcome !== undefined) return;
    attempt.outcome = outcome;
    this.#parts.router.ended(attempt, outcome, detail, performance.now());
    const { name } = attempt.target.upstream;
    this.#parts.metrics.upstreams.attemptEnded(name, offer?.model ?? "other", outcome, ended?.attempts ?? 1, ended);
  }

  /** Goes on with a call that was admitted, or has to be weighed first; ends one that was refused, or that nobody waits for any more. */
  #whenDecided(asked: Decision | Promise<Decision>, go: () => void, weigh?: () => void): void {
    if (asked instanceof Promise) {
      // The limiter never rejects: what is thrown is a fault of ours.
      asked.then((decision) => this.#decided(decision, go, weigh)).catch((thrown) => this.#refuse(thrown));
    } else this.#decided(asked, go, weigh);
  }

  #decided(decision: Decision, go: () => void, weigh?: () => void): void {
    const { outcome } = decision;
    const { claim, dialect, headers } = this.#visit;
    const { admission, metrics } = this.#parts;
    if (outcome === "weigh") {
      if (!this.#answer.idle) weigh?.();
      return;
    }
    if (outcome !== "unavailable") {
      if (claim.window === "calls") metrics.limiterDecided(claim.workspace, claim.model, outcome);
      else if (outcome !== "admitted") metrics.limiterDecided(claim.workspace, claim.model, "counts");
      if (decision.windows !== undefined) showWindows(headers, dialect.rateLimitPrefix, decision.windows);
    }
    if (outcome !== "admitted") this.#refuse(refusal(decision, claim));
    else if (this.#answer.idle)
      admission.refund(decision.reservation); // The client left meanwhile, and its call has been settled without it.
    else {
      this.#visit.reservation = decision.reservation;
      go();
    }
  }

  /** Before the upstream was asked; a worker that holds the body lets go of it. */
  #refuse(thrown: unknown): void {
    this.#worker?.cancel();
    this.#answer.fail(asGatewayError(thrown), undefined);
  }
}
