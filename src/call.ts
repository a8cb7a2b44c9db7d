import { Answer, type AnswerOwner, type Outcome } from "./answer.ts";
import { readBody } from "./body.ts";
import { type Catalog, type RoutedTarget, takeTurn } from "./catalog.ts";
import { toByteText } from "./contract/bytes.ts";
import type { PoolCall } from "./contract/call.ts";
import type { Config } from "./contract/config.ts";
import { CALLS, type CallOperation, type Envelope } from "./contract/dialect.ts";
import { asGatewayError } from "./contract/errors.ts";
import type { OpenStream } from "./contract/stream.ts";
import type { Admission } from "./limiter/admission.ts";
import type { Decision } from "./limiter/limiter.ts";
import { refusal, showWindows } from "./limiter/refusal.ts";
import type { Metrics } from "./metrics.ts";
import type { Pool } from "./pool.ts";
import { takeHeaders, type Visit } from "./visit.ts";

export interface CallParts {
  config: Config;
  catalog: Catalog;
  pool: Pool;
  admission: Admission;
  metrics: Metrics;
  /** See `Listener.holdOpen`. */
  holdOpen(request: Request): void;
  /** See `runtime.ts`. */
  openStream: OpenStream;
}

/** Bodies up to here are parsed on the front's thread; larger ones by a worker, so that nobody waits behind them. */
const FRONT_BYTES = 64 * 1024;

/**
 * A request that a worker answers: its body is read, checked, routed and reserved for, and a worker is given it. Written as callbacks on one object
 * and not as async functions: their frames live as long as a reservation's round trip, and were a tenth of what the front allocates.
 */
export class Call implements AnswerOwner {
  readonly #parts: CallParts;
  readonly #visit: Visit;
  readonly #operation: CallOperation;
  readonly #onEnd: (visit: Visit, outcome: Outcome) => void;
  readonly #answer: Answer;
  #worker: PoolCall | undefined;

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

  /** Never rejects. */
  begin(request: Request): Promise<Response> {
    const answer = this.#answer;
    const response = answer.begin();
    // Before the first byte only the signal tells that the client has gone. Deno fires it after a good answer as well; that is harmless here.
    // As a property, since a listener that is added costs several times as much of each call.
    request.signal.onabort = () => answer.abandon();
    readBody(request, this.#parts.config.server.maxBodyBytes).then(
      (body) => this.#arrived(request, body),
      (thrown) => this.#failed(request, thrown),
    );
    return response;
  }

  /** Of the answer. */
  takeHeaders(): Headers {
    return takeHeaders(this.#visit);
  }

  /** Of the answer: a worker has checked and weighed a body. */
  weighed(model: string, stream: boolean, maxTokens: number, estimate: number): void {
    try {
      const target = this.#route({ model, stream, maxTokens });
      const { admission } = this.#parts;
      const { claim, requestId, factor } = this.#visit;
      const go = () => this.#worker?.go(target.id, requestId, factor);
      if (CALLS[this.#operation].counted) this.#whenDecided(admission.byWeight(claim, estimate), go);
      else if (!this.#answer.idle) go();
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
  ended(outcome: Outcome): void {
    this.#onEnd(this.#visit, outcome);
  }

  #failed(request: Request, thrown: unknown): void {
    if (request.signal.aborted) this.#answer.abandon();
    else this.#answer.fail(asGatewayError(thrown), undefined);
  }

  #arrived(request: Request, bytes: ArrayBuffer): void {
    const { config, pool, holdOpen } = this.#parts;
    const { dialect } = this.#visit;
    try {
      this.#visit.bytes = bytes.byteLength;
      holdOpen(request);
      const hints = dialect.hints(request.headers, config.strictParameters);
      if (bytes.byteLength <= FRONT_BYTES) this.#check(bytes, hints);
      else if (!this.#answer.idle) this.#hold(pool.weigh(dialect.name, this.#operation, hints, bytes, this.#answer));
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
    const { model, stream, maxTokens } = dialect.check(body, hints, operation);
    const target = this.#route({ model, stream, maxTokens });
    const weigh = () => this.#hold(pool.weigh(dialect.name, operation, hints, bytes, this.#answer));
    if (this.#visit.offer?.exact) {
      if (!this.#answer.idle) weigh();
      return;
    }
    const guess = admission.guess(this.#visit.claim, body);
    const { factor } = this.#visit;
    const send = () =>
      this.#hold(
        pool.call(
          { dialect: dialect.name, operation, target: target.id, stream, model, hints, requestId, guess, factor, body },
          this.#answer,
        ),
      );
    if (CALLS[operation].counted) this.#whenDecided(admission.byGuess(this.#visit.claim, body, guess), send, weigh);
    else if (!this.#answer.idle) send();
  }

  #hold(worker: PoolCall): void {
    this.#worker = worker;
    this.#answer.attach(worker);
  }

  /** @throws GatewayError `unknown_model` */
  #route({ model, stream, maxTokens }: Envelope): RoutedTarget {
    const visit = this.#visit;
    const workspace = visit.identity?.workspace.name ?? "";
    visit.stream = stream;
    visit.offer = this.#parts.catalog.find(workspace, visit.dialect.upstream, visit.region, model);
    visit.target = takeTurn(visit.offer);
    const { writes } = CALLS[this.#operation];
    const { limits, exact } = visit.offer;
    visit.claim = { workspace, model: visit.offer.model, upstream: visit.target.upstream.name, exact, limits, maxTokens, writes };
    visit.factor = this.#parts.admission.factor(visit.claim);
    return visit.target;
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
      metrics.limiterDecided(claim.workspace, claim.model, outcome);
      if (decision.windows !== undefined) showWindows(headers, dialect.rateLimitPrefix, decision.windows);
    }
    if (outcome !== "admitted") this.#refuse(refusal(decision, claim.workspace, claim.model));
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
