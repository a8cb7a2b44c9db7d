/** The second half of a call's way: at the workers and, through them, at its targets. */
import type { ByteText } from "../contract/bytes.ts";
import type { CallOrder, Ended, PoolCall, WeighOrder } from "../contract/call.ts";
import type { CallOperation } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { Offer } from "../routing/offers.ts";
import type { Answer } from "./answer.ts";
import { type AttemptParts, endAttempt, firstAttempt, isLastAttempt, nextAttempt, repeatedAttempt, withdrawAttempt } from "./attempts.ts";
import { alongOf } from "./client/caller.ts";
import { type Outcome, wasAttempted } from "./outcome.ts";
import type { Visit } from "./visit.ts";

export interface DispatchParts extends AttemptParts {
  pool: WorkerPool;
}

/**
 * Gives a call to a worker. Where a target or the worker fails before the client has seen anything, it decides what follows: another target, another worker, or the
 * end of the call. The worker reports to the answer, not to this.
 */
export class Dispatch {
  readonly #parts: DispatchParts;
  readonly #visit: Visit;
  readonly #operation: CallOperation;
  readonly #answer: Answer;
  #worker: PoolCall | undefined;
  /** The order of the worker, with the body, until the answer begins: if the worker is lost, another one gets it. The call's place in the room counts the body. */
  #order: CallOrder | WeighOrder | undefined;
  /** The call has lost a worker. A second loss ends it: a request that kills workers must not kill all of them. */
  #hasLost = false;
  /** A worker has weighed the body, holds it, and waits for `go`. */
  #isWaitedFor = false;

  constructor(parts: DispatchParts, visit: Visit, operation: CallOperation, answer: Answer) {
    this.#parts = parts;
    this.#visit = visit;
    this.#operation = operation;
    this.#answer = answer;
  }

  /**
   * Gives a worker a call that the front has checked, for the first target.
   * @param model - The name that the client used.
   * @param guess - The input tokens that were reserved.
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
    this.#order = order;
    this.#attach(this.#parts.pool.call(order, this.#answer));
  }

  /** Has a worker check and weigh a body. The worker reports `weighed` to the answer. After that, `weighed` and `go` are to be called here. */
  weigh(hints: string, body: ArrayBuffer): void {
    const { dialect, caller, workspace: owner } = this.#visit;
    caller.timing?.begin("weigh");
    const order = { dialect: dialect.name, operation: this.#operation, hints, owner, body };
    this.#order = order;
    this.#attach(this.#parts.pool.weigh(order, this.#answer));
  }

  /** The worker has weighed the body, and holds it. */
  weighed(): void {
    this.#visit.caller.timing?.end("weigh");
    this.#isWaitedFor = true;
  }

  /**
   * Sends the call to its first target, from the worker that holds the weighed body. Without such a worker it does nothing: the worker was lost, and `lost` decides.
   * @throws GatewayError `overloaded` or `worker_lost`
   */
  go(): void {
    const { offer } = this.#visit;
    if (!this.#isWaitedFor || offer === undefined) return;
    this.#isWaitedFor = false;
    this.#goOn(this.#choose(offer), offer);
  }

  /** A target has failed, and the client has seen nothing: the call goes to another target, where there is one. */
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
    // Another upstream has another token history, so the same estimate may be corrected by another factor.
    if (reservation !== undefined && visit.factor !== factor && ended.estimate > 0)
      admission.correct(reservation, Math.ceil(ended.estimate * visit.factor));
    setTimeout(
      () => {
        // Where the worker has been lost during the pause, `lost` has taken over.
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
    const isRepeated = this.#order !== undefined && !this.#hasLost;
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

  /** Ends the call by what was thrown. A worker that holds the body drops it. */
  refuse(thrown: unknown): void {
    this.#worker?.cancel();
    this.#answer.fail(asGatewayError(thrown), undefined);
  }

  /** Drops the body, because it will not be needed again. */
  letGoOfBody(): void {
    const body = this.#order?.body;
    this.#order = undefined;
    // The memory is free now, and not only after the next collection. A buffer that was given away to a thread has the length 0.
    if (body instanceof ArrayBuffer && body.byteLength > 0) body.transfer(0);
  }

  /** The call is over. */
  ended(outcome: Outcome): void {
    this.letGoOfBody();
    // A request that was never sent to the upstream is no attempt.
    if (!wasAttempted(outcome)) withdrawAttempt(this.#parts, this.#visit);
    endAttempt(this.#parts, this.#visit, outcome.outcome, outcome.error?.detail, outcome.ended);
  }

  /** Repeats the call as soon as there is a worker. @param error - Ends the call where no worker comes. */
  #awaitWorker(error: GatewayError): void {
    this.#parts.pool.whenThere((isThere) => {
      if (this.#answer.idle) return;
      if (isThere) this.#repeat();
      else this.#answer.fail(error, undefined);
    });
  }

  /** Gives the order to another worker, after the first was lost or there was none. */
  #repeat(): void {
    const { pool } = this.#parts;
    const { offer } = this.#visit;
    const given = this.#order;
    if (given === undefined) return;
    try {
      if (!("target" in given)) this.#attach(pool.weigh(given, this.#answer));
      else if (offer !== undefined) {
        const target = this.#choose(offer);
        const order = { ...given, target, isLast: this.#isLast(offer), factor: this.#visit.factor, along: alongOf(this.#visit.caller) };
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

  /** Whether the present attempt is the last possible one. A count of tokens has only one, because Weir's estimate replaces a failed count. */
  #isLast(offer: Offer): boolean {
    return this.#operation === "count_tokens" || isLastAttempt(this.#visit, offer);
  }

  /** Has the worker send the body that it holds to a target. */
  #goOn(target: number, offer: Offer): void {
    this.#worker?.go(target, this.#isLast(offer), this.#visit.factor, alongOf(this.#visit.caller));
  }

  /** @param worker - Undefined where no worker was there: then the call waits for one. */
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
