/** The first half of a call's way. The second half is in `dispatch.ts`, and the answer to the client in `answer.ts`. */
import type { ByteText } from "../contract/bytes.ts";
import type { Ended } from "../contract/call.ts";
import type { Config } from "../contract/config.ts";
import { CALLS, type CallOperation, type Envelope } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import { type Asked, type Body, bufferOf, type Reply, type ReplyHeaders } from "../contract/http.ts";
import { checks } from "../dialects/checks.ts";
import { queryOf } from "../http/target.ts";
import type { Admission } from "../limiter/admission.ts";
import { refusal } from "../limiter/headers.ts";
import type { Decision } from "../limiter/limiter.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Catalog } from "../routing/catalog.ts";
import { Answer, type AnswerOwner } from "./answer.ts";
import { declaredBytes, readBody } from "./body/body.ts";
import type { BodyClock, Sender } from "./body/clock.ts";
import { claimed, noteDecision, routed } from "./claim.ts";
import { noteUser, sessionHash } from "./client/caller.ts";
import { type Deadlines, deadlineError, type Hurried, patienceOf, Watch } from "./client/deadlines.ts";
import { Dispatch, type DispatchParts } from "./dispatch.ts";
import { findKept } from "./kept.ts";
import type { Place, Room } from "./load/room.ts";
import type { Turns } from "./load/turns.ts";
import type { Outcome } from "./outcome.ts";
import { controlled, reservedIn } from "./reserved.ts";
import type { Visit } from "./visit.ts";

export interface CallParts extends DispatchParts {
  config: Config;
  catalog: Catalog;
  admission: Admission;
  metrics: Metrics;
  room: Room;
  bodyClock: BodyClock;
  deadlines: Deadlines;
  turns: Turns;
}

/** The header of an answer that names the fields and flags which were left out of the request. */
const DROPPED_HEADER = "x-weir-dropped";

/** Bodies up to this length are parsed on the front's thread; larger ones on another thread, so that other requests do not wait for them. */
const FRONT_BYTES = 16 * 1024;

/**
 * A request that a worker answers, from its body to its end. The methods are in the order of its way:
 *
 *   begin     the call takes its place in the room, and its body is read
 *   #arrived  a small body goes to #check; a large one goes to another thread (`Dispatch.weigh`), which checks it and reports `weighed`
 *   #check    a small body is checked, its model is found, and the limiter is asked to reserve
 *   weighed   the same for a large body, by what the other thread has reported of it
 *   #decided  the limiter's decision: the call goes to a worker (`Dispatch.send`, or `go` where a worker already has the body), or is refused
 *   …         the worker's reports go to the `Answer`, which calls the methods of `AnswerOwner` for all that does not concern the client
 *   ended     once, however the call ended
 *
 * These are callbacks on one object and not async functions, because the frames of async functions live as long as a reservation's round trip: they were a tenth
 * of what the front allocates.
 */
export class Call implements AnswerOwner, Sender, Hurried {
  readonly #parts: CallParts;
  readonly #visit: Visit;
  readonly #operation: CallOperation;
  readonly #onEnd: (visit: Visit, outcome: Outcome) => void;
  readonly #answer: Answer;
  readonly #dispatch: Dispatch;
  #place: Place | undefined;
  /** Watches the deadline of the client; undefined where the client has sent none. */
  #watch: Watch | undefined;
  #begunMs = 0;
  /** The name of a header in the request that clients may not set; "" where the request has none. */
  #reserved = "";
  /** The limiter has been asked with a worker's estimate. */
  #isWeighed = false;

  /** In a call about a kept answer, the id of the answer as it is in the path. */
  readonly #askedId: string;

  /** @param onEnd - Called exactly once. */
  constructor(parts: CallParts, visit: Visit, operation: CallOperation, onEnd: (visit: Visit, outcome: Outcome) => void, askedId = "") {
    this.#parts = parts;
    this.#visit = visit;
    this.#operation = operation;
    this.#onEnd = onEnd;
    this.#askedId = askedId;
    const { dialect, requestId } = visit;
    const gaps = parts.metrics.chunkGaps(visit.route);
    this.#answer = new Answer(this, { dialect, operation, requestId, gaps });
    this.#dispatch = new Dispatch(parts, visit, operation, this.#answer);
  }

  /**
   * Begins the call. The promise never rejects.
   * @throws GatewayError `overloaded` or `invalid_request`, at once: then nothing has begun, and `onEnd` will not be called.
   */
  begin(asked: Asked): Promise<Reply> {
    const { room, config, deadlines, bodyClock } = this.#parts;
    const { identity, startedMs } = this.#visit;
    const patience = patienceOf(asked.headers, startedMs);
    const { maxBodyBytes } = config.server;
    const place = room.enter(this.#visit.workspace, identity?.workspace.maxConcurrent, declaredBytes(asked, maxBodyBytes), identity?.bound);
    this.#place = place;
    if (patience !== undefined) this.#watch = new Watch(deadlines, this, patience);
    this.#begunMs = performance.now();
    const response = this.#answer.begin();
    asked.onLeft = () => this.#answer.abandon();
    bodyClock.begin(this, startedMs);
    readBody(asked, maxBodyBytes, (bytes) => place.hold(bytes), {
      arrived: (body) => this.#arrived(asked, body),
      failed: (error) => this.#failed(error),
    });
    return response;
  }

  #failed(thrown: unknown): void {
    this.#parts.bodyClock.end(this);
    const error = asGatewayError(thrown);
    if (error.kind === "cancelled") this.#answer.abandon();
    else this.#answer.fail(error, undefined);
  }

  #arrived({ headers, url }: Asked, body: Body): void {
    const { bodyClock, config, catalog, turns } = this.#parts;
    bodyClock.end(this);
    // The time for the body was over, or the client has left.
    if (this.#answer.idle) return;
    try {
      this.#visit.bodyArrived(body.length, performance.now() - this.#begunMs, catalog.hasChoices ? sessionHash(headers) : 0);
      this.#reserved = reservedIn(headers, config);
      const hints = controlled(this.#visit, headers, this.#reserved, config);
      if (CALLS[this.#operation].kept) this.#askKept(queryOf(url), hints);
      else if (body.length > FRONT_BYTES) this.#dispatch.weigh(hints, bufferOf(body));
      else turns.check(this.#visit.workspace, body, this.#answer, (text) => this.#check(text, hints));
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  /** Checks a small body on this thread, and reserves for it. Where the limiter cannot decide by a guess, a worker weighs the body first. */
  #check(body: ByteText, hints: string): void {
    const { admission, config } = this.#parts;
    const { dialect, caller } = this.#visit;
    const checked = checks[dialect.name](body, hints, this.#operation);
    noteUser(caller, dialect.user(checked.request), config);
    const offer = routed(this.#parts, this.#visit, this.#operation, checked, this.#reserved);
    // Only where there is a choice of targets, because it reads the first words of the conversation.
    if (this.#visit.conversation === 0 && offer.targets.length > 1 && CALLS[this.#operation].writes)
      this.#visit.continues(dialect.conversation(checked.request));
    const weigh = () => this.#dispatch.weigh(hints, bufferOf(body));
    if (offer.exact) {
      if (!this.#answer.idle) weigh();
      return;
    }
    const { claim } = this.#visit;
    const guess = admission.guess(claim, body);
    this.#whenDecided(admission.byGuess(claim, body, guess), () => this.#dispatch.send(offer, checked.model, hints, guess, body), weigh);
  }

  /** Asks about a kept answer: the target is the one that keeps it, and the limits count one request without tokens. */
  #askKept(query: string, hints: string): void {
    const visit = this.#visit;
    visit.checked(checks[visit.dialect.name](query, hints, this.#operation).stream);
    const { offer, model } = findKept(this.#parts.catalog, visit, this.#askedId);
    claimed(this.#parts.admission, visit, this.#operation, offer, 0);
    const question = `${this.#askedId}${query}`;
    this.#whenDecided(this.#parts.admission.byWeight(visit.claim, 0), () => this.#dispatch.send(offer, model, hints, 0, question));
  }

  /** Called by the answer: a worker has checked and weighed the body. */
  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void {
    try {
      noteUser(this.#visit.caller, user, this.#parts.config);
      this.#dispatch.weighed();
      if (this.#isWeighed) {
        // A second worker has weighed it again, because the first one was lost: the decision by the first estimate stays.
        if (this.#visit.reservation !== undefined) this.#dispatch.go();
        return;
      }
      routed(this.#parts, this.#visit, this.#operation, envelope, this.#reserved);
      this.#visit.continues(conversation);
      this.#isWeighed = true;
      this.#whenDecided(this.#parts.admission.byWeight(this.#visit.claim, estimate), () => this.#dispatch.go());
    } catch (thrown) {
      this.#dispatch.refuse(thrown);
    }
  }

  /** Waits for the limiter's decision; see `#decided`. */
  #whenDecided(asked: Decision | Promise<Decision>, go: () => void, weigh?: () => void): void {
    if (asked instanceof Promise) this.#visit.caller.timing?.begin("limit");
    if (asked instanceof Promise) {
      // The limiter never rejects, so anything that is thrown here is a fault of ours.
      asked.then((decision) => this.#decided(decision, go, weigh)).catch((thrown) => this.#dispatch.refuse(thrown));
    } else this.#decided(asked, go, weigh);
  }

  /** Goes on with a call that was admitted, or that has to be weighed first. Ends one that was refused, or whose client has left. */
  #decided(decision: Decision, go: () => void, weigh?: () => void): void {
    this.#visit.caller.timing?.end("limit");
    const { claim, bytes } = this.#visit;
    if (decision.outcome === "weigh") {
      if (!this.#answer.idle) weigh?.();
      return;
    }
    noteDecision(this.#visit, decision, this.#parts.metrics);
    if (decision.outcome !== "admitted") this.#dispatch.refuse(refusal(decision, claim));
    else if (this.#answer.idle) {
      // The client has left while the limiter was asked. The call has ended, or will end, without this reservation: so it is given back here.
      this.#parts.admission.end({ claim, reservation: decision.reservation, bytes }, undefined);
    } else {
      this.#visit.admitted(decision.reservation);
      go();
    }
  }

  /** Called by the answer. */
  sent(): void {
    this.#visit.caller.timing?.turn("queue", "upstream");
  }

  /** Called by the answer: the guess of the input was far off. */
  estimated(inputTokens: number): void {
    const { reservation } = this.#visit;
    if (reservation !== undefined) this.#parts.admission.correct(reservation, inputTokens);
  }

  /** Called by the answer. */
  dropped(names: string): void {
    const { headers, offer } = this.#visit;
    headers.set(DROPPED_HEADER, names);
    this.#parts.metrics.dropped.note(offer?.model ?? "other", names);
  }

  /** Called by the answer. */
  guarded(): void {
    this.#dispatch.guarded();
  }

  /** Called by the answer. */
  missed(error: GatewayError, ended: Ended): void {
    // The next target may take other fields, so the list of dropped fields begins again.
    this.#visit.headers.delete(DROPPED_HEADER);
    this.#dispatch.missed(error, ended);
  }

  /** Called by the answer. */
  lost(error: GatewayError): void {
    this.#visit.headers.delete(DROPPED_HEADER);
    this.#dispatch.lost(error);
  }

  /** Called by the answer. */
  answering(): void {
    this.#dispatch.answered();
  }

  /** Called by the answer when it begins: from now on the body is not needed. */
  takeHeaders(): ReplyHeaders {
    this.#dispatch.letGoOfBody();
    this.#place?.letGo();
    this.#watch?.answering();
    const { attempts, headers } = this.#visit;
    if (attempts.length > 0) headers.set("x-weir-attempts", String(attempts.length));
    return this.#visit.takeHeaders();
  }

  /** Called by the answer. */
  waits(bytes: number): void {
    this.#place?.holdAnswer(bytes);
  }

  /** Called by the answer. */
  taken(): void {
    this.#place?.letGoOfAnswer();
  }

  /** Called by the clock of bodies. The connection closes after the answer, because the next bytes on it are still this body. */
  late(): void {
    if (this.#answer.idle) return;
    this.#visit.headers.set("connection", "close");
    const message = "The request's body took too long to arrive: the connection is slow, or not all of it was sent.";
    this.#answer.fail(new GatewayError("body_timeout", { message }), undefined);
  }

  /** Called by the clock of deadlines: the client does not wait any longer. */
  overdue(): void {
    // The next bytes on the connection are still the body.
    if (this.#visit.bytes === 0) this.#visit.headers.set("connection", "close");
    this.#answer.expire(deadlineError());
  }

  /** Called by the answer. */
  ended(outcome: Outcome): void {
    this.#place?.leave();
    this.#watch?.stop();
    this.#dispatch.ended(outcome);
    this.#onEnd(this.#visit, outcome);
  }
}
