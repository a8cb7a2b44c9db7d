import { type ByteText, toByteText } from "../contract/bytes.ts";
import type { CallOrder, Ended, PoolCall, WeighOrder } from "../contract/call.ts";
import type { Config } from "../contract/config.ts";
import { CALLS, type CallOperation, type Envelope } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import { type Asked, type Body, bufferOf, type Reply, type ReplyHeaders } from "../contract/http.ts";
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
import { endAttempt, firstAttempt, isLastAttempt, nextAttempt, repeatedAttempt, withdrawAttempt } from "./attempts.ts";
import { declaredBytes, readBody } from "./body.ts";
import type { BodyClock, Sender } from "./body-clock.ts";
import { type Deadlines, deadlineError, type Hurried, type Patience, patienceOf } from "./deadlines.ts";
import type { LeftOut } from "./left-out.ts";
import { reservedIn, reservedRefusal } from "./reserved.ts";
import type { Place, Room } from "./room.ts";
import type { Turns } from "./turns.ts";
import { takeHeaders, type Visit, wasAttempted } from "./visit.ts";

export interface CallParts {
  config: Config;
  catalog: Catalog;
  router: Router<RoutedTarget>;
  pool: Pool;
  admission: Admission;
  metrics: Metrics;
  leftOut: LeftOut;
  room: Room;
  bodyClock: BodyClock;
  deadlines: Deadlines;
  turns: Turns;
}

/** Names what was left out of the request. */
const DROPPED_HEADER = "x-weir-dropped";

/** Bodies up to here are parsed on the front's thread; larger ones by a thread of their own, so that nobody waits behind them. */
const FRONT_BYTES = 16 * 1024;
/** Bodies up to here cost less than to read their requests, whatever is in them. Those between take their turns. */
const QUICK_BYTES = 1024;

/**
 * A request that a worker answers: its body is read, checked, routed and reserved for, and a worker is given it. Written as callbacks on one object
 * and not as async functions: their frames live as long as a reservation's round trip, and were a tenth of what the front allocates.
 */
export class Call implements AnswerOwner, Sender, Hurried {
  readonly #parts: CallParts;
  readonly #visit: Visit;
  readonly #operation: CallOperation;
  readonly #onEnd: (visit: Visit, outcome: Outcome) => void;
  readonly #answer: Answer;
  #worker: PoolCall | undefined;
  #place: Place | undefined;
  /** What its worker was given, until the answer begins: should the worker be lost, another one gets it. The body is in it, and counted by `#place`. */
  #kept: CallOrder | WeighOrder | undefined;
  /** It has lost a worker. A second one is its end: what kills workers must not kill them all. */
  #hasLost = false;
  /** The limiter has been asked by a worker's figure. */
  #isWeighed = false;
  /** The worker holds the weighed body, and waits for `go`. */
  #isWaitedFor = false;
  /** Hash of the conversation that it belongs to; 0 where that does not matter. */
  #conversation = 0;
  #begunMs = 0;
  /** Undefined where its client's patience is nothing to watch. */
  #patience: Patience | undefined;
  #deadline = 0;
  /** A header of the request that may not be a client's to set; "" where there is none. */
  #reserved = "";

  /** @param onEnd - Called exactly once. */
  constructor(parts: CallParts, visit: Visit, operation: CallOperation, onEnd: (visit: Visit, outcome: Outcome) => void) {
    this.#parts = parts;
    this.#visit = visit;
    this.#operation = operation;
    this.#onEnd = onEnd;
    const { dialect, requestId } = visit;
    const gaps = parts.metrics.chunkGaps(visit.route);
    this.#answer = new Answer(this, { dialect, operation, requestId, gaps });
  }

  /**
   * Never rejects.
   * @throws GatewayError `overloaded` or `invalid_request`, at once: then nothing has begun, and `onEnd` is not called.
   */
  begin(asked: Asked): Promise<Reply> {
    const { room, config } = this.#parts;
    const patience = patienceOf(asked.headers, this.#visit.startedMs);
    const { maxBodyBytes } = config.server;
    const { identity } = this.#visit;
    const { name = "", maxConcurrent } = identity?.workspace ?? {};
    const place = room.enter(name, maxConcurrent, declaredBytes(asked, maxBodyBytes), identity?.bound);
    this.#place = place;
    if (patience !== undefined) this.#watch(patience, Math.min(patience.beginAtMs, patience.endAtMs));
    const answer = this.#answer;
    this.#begunMs = performance.now();
    const response = answer.begin();
    asked.onLeft = () => answer.abandon();
    this.#parts.bodyClock.begin(this, this.#visit.startedMs);
    readBody(asked, maxBodyBytes, (bytes) => place.hold(bytes), {
      arrived: (body) => this.#arrived(asked, body),
      failed: (error) => this.#failed(error),
    });
    return response;
  }

  /** Of the answer. */
  takeHeaders(): ReplyHeaders {
    // The answer begins, so nobody will ask for the body again.
    this.#letGoOfBody();
    this.#place?.letGo();
    if (this.#patience !== undefined) this.#watch(this.#patience, this.#patience.endAtMs);
    const { attempts, headers } = this.#visit;
    if (attempts.length > 0) headers.set("x-weir-attempts", String(attempts.length));
    return takeHeaders(this.#visit);
  }

  /** Of the clock of bodies. The connection ends with the answer, as what follows on it is still the body. */
  late(): void {
    if (this.#answer.idle) return;
    this.#visit.headers.set("connection", "close");
    const message = "The request's body took too long to arrive: the connection is slow, or not all of it was sent.";
    this.#answer.fail(new GatewayError("body_timeout", { message }), undefined);
  }

  /** Of the clock of deadlines: its client waits no longer. */
  overdue(): void {
    // What follows on the connection is still the body.
    if (this.#visit.bytes === 0) this.#visit.headers.set("connection", "close");
    this.#answer.expire(deadlineError());
  }

  /** Of the answer: a worker has checked and weighed a body. */
  weighed(envelope: Envelope, conversation: number, estimate: number): void {
    try {
      this.#isWaitedFor = true;
      if (this.#isWeighed) {
        // By a second worker: what was decided by the first one's figure stands.
        if (this.#visit.reservation !== undefined) this.#go();
        return;
      }
      this.#route(envelope);
      if (this.#conversation === 0) this.#conversation = conversation;
      this.#isWeighed = true;
      this.#whenDecided(this.#parts.admission.byWeight(this.#visit.claim, estimate), () => this.#go());
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  /** Of the answer: the guess was far off. */
  estimated(inputTokens: number): void {
    const { reservation } = this.#visit;
    if (reservation !== undefined) this.#parts.admission.correct(reservation, inputTokens);
  }

  /** Of the answer. */
  dropped(names: string): void {
    const { headers, offer } = this.#visit;
    headers.set(DROPPED_HEADER, names);
    this.#parts.leftOut.note(offer?.model ?? "other", names);
  }

  /** Of the answer: the client has seen nothing, so another target may do. */
  missed(error: GatewayError, ended: Ended): void {
    const visit = this.#visit;
    const { offer, attempts, reservation, factor } = visit;
    const { router, admission } = this.#parts;
    // What the next target takes is another matter.
    visit.headers.delete(DROPPED_HEADER);
    endAttempt(this.#parts, visit, error.kind, error.detail, ended);
    const next = offer && nextAttempt(this.#parts, visit, offer, this.#conversation);
    const worker = this.#worker;
    if (next === undefined) {
      worker?.cancel();
      this.#answer.fail(error, ended);
      return;
    }
    // The other upstream's lessons may say otherwise of the same estimate.
    if (reservation !== undefined && visit.factor !== factor && ended.estimate > 0)
      admission.correct(reservation, Math.ceil(ended.estimate * visit.factor));
    setTimeout(
      () => {
        // The worker may be lost meanwhile; then the call goes on elsewhere.
        if (!this.#answer.idle && this.#worker === worker) worker?.go(next.id, this.#isLast(), visit.requestId, visit.factor);
      },
      router.pauseMs(attempts.length - 1),
    );
  }

  /** Of the answer: the worker is gone, and the client has seen nothing. The call goes to another one, once. */
  lost(error: GatewayError): void {
    const visit = this.#visit;
    visit.headers.delete(DROPPED_HEADER);
    endAttempt(this.#parts, visit, "worker_lost", error.detail, undefined);
    this.#worker = undefined;
    this.#isWaitedFor = false;
    if (
      this.#kept === undefined ||
      this.#hasLost ||
      !this.#parts.router.mayRepeat(visit.identity?.workspace.name ?? "", performance.now())
    ) {
      this.#answer.fail(error, undefined);
      return;
    }
    this.#hasLost = true;
    this.#awaitWorker(error);
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
    this.#letGoOfBody();
    this.#place?.leave();
    if (this.#patience !== undefined) this.#parts.deadlines.remove(this, this.#deadline);
    // What never left for the upstream was no attempt at it.
    if (!wasAttempted(outcome)) withdrawAttempt(this.#parts, this.#visit);
    endAttempt(this.#parts, this.#visit, outcome.outcome, outcome.error?.detail, outcome.ended);
    this.#onEnd(this.#visit, outcome);
  }

  #failed(thrown: unknown): void {
    this.#parts.bodyClock.end(this);
    const error = asGatewayError(thrown);
    if (error.kind === "cancelled") this.#answer.abandon();
    else this.#answer.fail(error, undefined);
  }

  #arrived({ headers }: Asked, body: Body): void {
    const { bodyClock, config } = this.#parts;
    const { dialect } = this.#visit;
    bodyClock.end(this);
    // It was late, or its client has left.
    if (this.#answer.idle) return;
    try {
      this.#visit.bytes = body.length;
      this.#visit.uploadMs = performance.now() - this.#begunMs;
      if (this.#parts.catalog.hasChoices) this.#conversation = sessionOf(headers);
      this.#reserved = reservedIn(headers, config);
      const hints = dialect.hints(headers, config.strictParameters);
      if (body.length > FRONT_BYTES) this.#weigh(bufferOf(body), hints);
      else {
        const text = typeof body === "string" ? body : toByteText(body);
        if (text.length <= QUICK_BYTES) this.#check(text, hints);
        else this.#parts.turns.run(this.#visit.identity?.workspace.name ?? "", () => this.#checkInTurn(text, hints));
      }
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  #checkInTurn(body: ByteText, hints: string): void {
    // It waited for its turn, and its client may have left.
    if (this.#answer.idle) return;
    try {
      this.#check(body, hints);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** Checks and reserves a small body here; where that cannot be decided without a worker's figure, it is weighed first. */
  #check(body: ByteText, hints: string): void {
    const { admission, pool } = this.#parts;
    const { dialect, requestId } = this.#visit;
    const operation = this.#operation;
    const checked = dialect.check(body, hints, operation);
    const { model, stream } = checked;
    const offer = this.#route(checked);
    // Only where there is a choice: it costs a look at the conversation's first words.
    if (this.#conversation === 0 && offer.targets.length > 1 && CALLS[operation].writes)
      this.#conversation = dialect.conversation(checked.request);
    const weigh = () => this.#weigh(bufferOf(body), hints);
    if (offer.exact) {
      if (!this.#answer.idle) weigh();
      return;
    }
    const guess = admission.guess(this.#visit.claim, body);
    const send = () => {
      const target = firstAttempt(this.#parts, this.#visit, offer, this.#conversation).id;
      const isLast = this.#isLast();
      const { factor } = this.#visit;
      const order = { dialect: dialect.name, operation, target, isLast, stream, model, hints, requestId, guess, factor, body };
      this.#kept = order;
      this.#hold(pool.call(order, this.#answer));
    };
    this.#whenDecided(admission.byGuess(this.#visit.claim, body, guess), send, weigh);
  }

  /** Has a worker check and weigh the body. */
  #weigh(body: ArrayBuffer, hints: string): void {
    const { dialect, identity } = this.#visit;
    const workspace = identity?.workspace.name ?? "";
    const order = { workspace, dialect: dialect.name, operation: this.#operation, hints, body };
    this.#kept = order;
    this.#hold(this.#parts.pool.weigh(order, this.#answer));
  }

  /** Lets the worker go on with the body that it has weighed, if there is one. */
  #go(): void {
    const visit = this.#visit;
    const { offer, attempts } = visit;
    if (!this.#isWaitedFor || offer === undefined) return;
    this.#isWaitedFor = false;
    const choose = attempts.length === 0 ? firstAttempt : repeatedAttempt;
    const { id } = choose(this.#parts, visit, offer, this.#conversation);
    this.#worker?.go(id, this.#isLast(), visit.requestId, visit.factor);
  }

  /** @param error - The call's, where none comes. */
  #awaitWorker(error: GatewayError): void {
    this.#parts.pool.whenThere((isThere) => {
      if (this.#answer.idle) return;
      if (isThere) this.#repeat();
      else this.#answer.fail(error, undefined);
    });
  }

  /** Gives a worker what the lost one had, or what there was none for. */
  #repeat(): void {
    const { pool } = this.#parts;
    const { offer } = this.#visit;
    const kept = this.#kept;
    if (kept === undefined) return;
    try {
      if (!("target" in kept)) this.#hold(pool.weigh(kept, this.#answer));
      else if (offer !== undefined) {
        const choose = this.#visit.attempts.length === 0 ? firstAttempt : repeatedAttempt;
        const { id } = choose(this.#parts, this.#visit, offer, this.#conversation);
        const order = { ...kept, target: id, isLast: this.#isLast(), factor: this.#visit.factor };
        this.#hold(pool.call(order, this.#answer));
      }
    } catch (thrown) {
      this.#refuse(thrown);
    }
  }

  #hold(worker: PoolCall | undefined): void {
    this.#worker = worker;
    if (worker !== undefined) {
      this.#answer.attach(worker);
      return;
    }
    withdrawAttempt(this.#parts, this.#visit);
    this.#awaitWorker(new GatewayError("worker_lost", { message: "No worker is available at this moment. Please try again." }));
  }

  /** Its deadline is at `atMs` from now on, in place of the one before. */
  #watch(patience: Patience, atMs: number): void {
    const { deadlines } = this.#parts;
    if (this.#patience !== undefined) deadlines.remove(this, this.#deadline);
    this.#patience = patience;
    if (atMs < Number.POSITIVE_INFINITY) this.#deadline = deadlines.add(this, atMs);
  }

  #letGoOfBody(): void {
    const body = this.#kept?.body;
    this.#kept = undefined;
    // Its memory goes back now, and not when somebody collects; where there are no threads, it has been given away.
    if (body instanceof ArrayBuffer && body.byteLength > 0) body.transfer(0);
  }

  /** @throws GatewayError `unknown_model` */
  #route({ model, stream, maxTokens }: Envelope): Offer {
    const visit = this.#visit;
    const workspace = visit.identity?.workspace.name ?? "";
    visit.stream = stream;
    const offer = findModel(this.#parts.catalog, visit, model);
    visit.offer = offer;
    if (offer.targets[0].upstream.reserved.includes(this.#reserved)) throw reservedRefusal(this.#reserved);
    const { window, writes } = CALLS[this.#operation];
    const { limits, exact, targets } = offer;
    // Which target it will be is decided when it is admitted; what the first one taught is what there is to go by.
    const upstream = targets[0].upstream.name;
    visit.claim = { workspace, model: offer.model, upstream, exact, window, limits, maxTokens, writes };
    visit.factor = this.#parts.admission.factor(visit.claim);
    return offer;
  }

  /** Whether the attempt that begins now is the last that there can be. A count has the estimate to fall back on. */
  #isLast(): boolean {
    const { offer } = this.#visit;
    return offer === undefined || this.#operation === "count_tokens" || isLastAttempt(this.#visit, offer);
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
