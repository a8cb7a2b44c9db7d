/** A checked call at the workers and, through them, at its targets: the second half of its way. */
import type { ByteText } from "../contract/bytes.ts";
import type { CallOrder, Ended, PoolCall, WeighOrder } from "../contract/call.ts";
import type { CallOperation } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { Offer } from "../routing/table.ts";
import type { Answer } from "./answer.ts";
import { type AttemptParts, endAttempt, firstAttempt, isLastAttempt, nextAttempt, repeatedAttempt, withdrawAttempt } from "./attempts.ts";
import { alongOf } from "./caller.ts";
import type { Outcome } from "./outcome.ts";
import { type Visit, wasAttempted } from "./visit.ts";

export interface DispatchParts extends AttemptParts {
  pool: WorkerPool;
}

/**
 * Gives a call to a worker, and decides what follows where a target or the worker itself fails it before the client has seen anything: another target,
 * another worker, or the call's end. Reports of the worker go to the answer.
 */
export class Dispatch {
  readonly #parts: DispatchParts;
  readonly #visit: Visit;
  readonly #operation: CallOperation;
  readonly #answer: Answer;
  #worker: PoolCall | undefined;
  /** What its worker was given, until the answer begins: should the worker be lost, another one gets it. The call's place in the room counts its body. */
  #kept: CallOrder | WeighOrder | undefined;
  /** It has lost a worker. A second one is its end: what kills workers must not kill them all. */
  #hasLost = false;
  /** A worker holds the body that it has weighed, and waits for `go`. */
  #isWaitedFor = false;

  constructor(parts: DispatchParts, visit: Visit, operation: CallOperation, answer: Answer) {
    this.#parts = parts;
    this.#visit = visit;
    this.#operation = operation;
    this.#answer = answer;
  }

  /**
   * Gives a worker a call that the front has checked, for the first target.
   * @param model - As the client named it.
   * @param guess - Input tokens that were reserved.
   * @throws GatewayError `overloaded`
   */
  send(offer: Offer, model: string, hints: string, guess: number, body: ByteText): void {
    const target = this.#choose(offer);
    const { dialect, stream, factor, caller, workspace: owner } = this.#visit;
    const isLast = this.#isLast(offer);
    const order = {
      dialect: dialect.name,
      operation: this.#operation,
      target,
      isLast,
      stream,
      model,
      hints,
      owner,
      along: alongOf(caller),
      guess,
      factor,
      body,
    };
    this.#kept = order;
    this.#attach(this.#parts.pool.call(order, this.#answer));
  }

  /** Has a worker check and weigh a body. Its report goes to the answer; then `weighed` and `go` are to be called. */
  weigh(hints: string, body: ArrayBuffer): void {
    const { dialect, caller, workspace: owner } = this.#visit;
    caller.timing?.begin("weigh");
    const order = { dialect: dialect.name, operation: this.#operation, hints, owner, body };
    this.#kept = order;
    this.#attach(this.#parts.pool.weigh(order, this.#answer));
  }

  /** A worker holds the weighed body. */
  weighed(): void {
    this.#visit.caller.timing?.end("weigh");
    this.#isWaitedFor = true;
  }

  /**
   * Lets the worker go on with the body that it has weighed, if there is one.
   * @throws GatewayError `overloaded` or `worker_lost`
   */
  go(): void {
    const { offer } = this.#visit;
    if (!this.#isWaitedFor || offer === undefined) return;
    this.#isWaitedFor = false;
    this.#goOn(this.#choose(offer), offer);
  }

  /** A target has failed the call, and the client has seen nothing: another target may do. */
  missed(error: GatewayError, ended: Ended): void {
    const visit = this.#visit;
    const { offer, reservation, factor } = visit;
    const { admission, router } = this.#parts;
    endAttempt(this.#parts, visit, error.kind, error.detail, ended);
    visit.caller.timing?.end("upstream");
    const next = offer && nextAttempt(this.#parts, visit, offer);
    const worker = this.#worker;
    if (offer === undefined || next === undefined) {
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
        if (!this.#answer.idle && this.#worker === worker) this.#goOn(next.id, offer);
      },
      router.pauseMs(visit.attempts.length - 1),
    );
  }

  /** The worker is gone, and the client has seen nothing: the call goes to another one, once. */
  lost(error: GatewayError): void {
    endAttempt(this.#parts, this.#visit, "worker_lost", error.detail, undefined);
    this.#worker = undefined;
    this.#isWaitedFor = false;
    const isRepeated = this.#kept !== undefined && !this.#hasLost;
    if (!isRepeated || !this.#parts.router.mayRepeat(this.#visit.workspace, performance.now())) {
      this.#answer.fail(error, undefined);
      return;
    }
    this.#hasLost = true;
    this.#awaitWorker(error);
  }

  /** The cloud's guardrail has blocked or changed the answer. */
  guarded(): void {
    const visit = this.#visit;
    visit.guarded();
    this.#parts.metrics.upstreams.guarded(visit.lastAttempt?.target.upstream.name ?? "", visit.offer?.model ?? "other");
  }

  /** The upstream has begun to answer. */
  answered(): void {
    const attempt = this.#visit.lastAttempt;
    if (attempt !== undefined) this.#parts.router.answered(attempt, performance.now());
  }

  /** The call must not go on, since `thrown`; a worker that holds the body lets go of it. */
  refuse(thrown: unknown): void {
    this.#worker?.cancel();
    this.#answer.fail(asGatewayError(thrown), undefined);
  }

  /** The body will not be needed again: the answer begins. */
  letGoOfBody(): void {
    const body = this.#kept?.body;
    this.#kept = undefined;
    // Its memory goes back now, and not when somebody collects; where there are no threads, it has been given away.
    if (body instanceof ArrayBuffer && body.byteLength > 0) body.transfer(0);
  }

  /** The call is over. */
  ended(outcome: Outcome): void {
    this.letGoOfBody();
    // What never left for the upstream was no attempt at it.
    if (!wasAttempted(outcome)) withdrawAttempt(this.#parts, this.#visit);
    endAttempt(this.#parts, this.#visit, outcome.outcome, outcome.error?.detail, outcome.ended);
  }

  /** @param error - The call's, where no worker comes. */
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
      if (!("target" in kept)) this.#attach(pool.weigh(kept, this.#answer));
      else if (offer !== undefined) {
        const target = this.#choose(offer);
        const order = { ...kept, target, isLast: this.#isLast(offer), factor: this.#visit.factor, along: alongOf(this.#visit.caller) };
        this.#attach(pool.call(order, this.#answer));
      }
    } catch (thrown) {
      this.refuse(thrown);
    }
  }

  /** The target of the attempt that begins now. */
  #choose(offer: Offer): number {
    const choose = this.#visit.attempts.length === 0 ? firstAttempt : repeatedAttempt;
    return choose(this.#parts, this.#visit, offer).id;
  }

  /** Whether that attempt is the last that there can be. A count has the estimate to fall back on. */
  #isLast(offer: Offer): boolean {
    return this.#operation === "count_tokens" || isLastAttempt(this.#visit, offer);
  }

  /** Has the worker put the body that it holds to a target. */
  #goOn(target: number, offer: Offer): void {
    this.#worker?.go(target, this.#isLast(offer), this.#visit.factor, alongOf(this.#visit.caller));
  }

  #attach(worker: PoolCall | undefined): void {
    this.#worker = worker;
    if (worker !== undefined) {
      this.#answer.attach(worker);
      return;
    }
    withdrawAttempt(this.#parts, this.#visit);
    this.#awaitWorker(new GatewayError("worker_lost", { message: "No worker is available at this moment. Please try again." }));
  }
}
