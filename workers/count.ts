import type { ByteText } from "../src/contract/bytes.ts";
import { NOTHING_USED } from "../src/contract/call.ts";
import type { Dialect } from "../src/contract/dialect.ts";
import { asGatewayError, GatewayError } from "../src/contract/errors.ts";
import { reportAnswer, reportDone, reportFail, reportSent } from "../src/contract/reports.ts";
import { noUsage } from "../src/contract/usage.ts";
import {
  type Call,
  type CallHost,
  type CallTarget,
  connectionFailure,
  Guarded,
  type InputTokens,
  Refusal,
  secretsOf,
  withPassedOn,
} from "./call.ts";
import type { Job, Reader } from "./providers/provider.ts";
import { shownId } from "./providers/secrets.ts";
import type { HttpEvents, HttpExchange, HttpFailure, HttpHeaders } from "./wire/http.ts";

/** Longest wait for the upstream's count: a person may be waiting, and the estimate is there already. */
const LONGEST_MS = 5_000;

/** Answers how many tokens a request has: with the upstream's count, or with the estimate where there is no count. A client always gets an answer. */
export class Count implements Call, HttpEvents {
  readonly #id: number;
  readonly #host: CallHost;
  readonly #dialect: Dialect;
  readonly #job: Job;
  readonly #target: CallTarget;
  /** Input tokens, before the factor. */
  readonly #estimate: number;
  readonly #factor: number;
  readonly #onOver: (id: number) => void;
  #exchange: HttpExchange | undefined;
  #reader: Reader | undefined;
  #headers: HttpHeaders = new Map();
  #refusal: Refusal | undefined;
  #sentMs = 0;
  /** How often the upstream was asked. */
  #attempts = 0;
  #over = false;

  constructor(
    id: number,
    host: CallHost,
    dialect: Dialect,
    job: Job,
    input: InputTokens,
    target: CallTarget,
    onOver: (id: number) => void,
  ) {
    this.#id = id;
    this.#host = host;
    this.#dialect = dialect;
    this.#job = job;
    this.#target = target;
    this.#onOver = onOver;
    this.#estimate = input.estimate ?? host.estimator.estimate(dialect.upstream, job.model, job.body);
    this.#factor = input.factor;
    void this.#send();
  }

  get over(): boolean {
    return this.#over;
  }

  /** The answer is one short text. */
  credit(): void {}

  cancel(): void {
    this.#exchange?.abort();
    this.#done();
  }

  fault(thrown: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#exchange?.abort();
    const { kind, detail } = asGatewayError(thrown);
    reportFail(this.#host.outbox.next(), this.#id, kind, detail, NOTHING_USED);
    this.#onOver(this.#id);
  }

  resent(): void {
    this.#attempts += 1;
  }

  head(status: number, headers: HttpHeaders): void {
    this.#headers = headers;
    if (status === 200) this.#reader = this.#target.adapter.reader(this.#job, headers);
    else this.#refusal = new Refusal(status, headers);
  }

  chunk(bytes: Uint8Array): void {
    this.#reader?.push(bytes);
    this.#refusal?.add(bytes);
  }

  fail(failure: HttpFailure): void {
    if (failure.reason === "fault") this.fault(connectionFailure(failure, false));
    else this.#answerEstimate();
  }

  end(): void {
    const text = this.#reader?.end() ?? "";
    if (this.#reader?.complete) this.#answer(text);
    else {
      const refusal = this.#refusal;
      // Not for the client: it is how a provider learns that its credentials have been refused.
      if (refusal !== undefined) this.#target.adapter.failure(this.#job, refusal.status, refusal.headers, refusal.body);
      this.#answerEstimate();
    }
  }

  async #send(): Promise<void> {
    try {
      const request = await this.#target.adapter.request(this.#job);
      if (this.#over) return;
      this.#sentMs = performance.now();
      this.#attempts = 1;
      const { along } = this.#job;
      if (along.isTimed) reportSent(this.#host.outbox.next(), this.#id);
      const { connectMs, firstByteMs, silenceMs, totalMs } = this.#target.timeouts;
      const timeouts = {
        connectMs: Math.min(connectMs, LONGEST_MS),
        firstByteMs: Math.min(firstByteMs, LONGEST_MS),
        silenceMs: Math.min(silenceMs, LONGEST_MS),
        totalMs: Math.min(totalMs, LONGEST_MS),
      };
      this.#exchange = this.#host.client.send(withPassedOn(request, along), timeouts, new Guarded(this));
    } catch (thrown) {
      // No such operation, no credentials, or a request that the upstream would refuse.
      if (thrown instanceof GatewayError) this.#answerEstimate();
      else this.fault(thrown);
    }
  }

  #answerEstimate(): void {
    this.#answer(this.#dialect.tokenCount(Math.ceil(this.#estimate * this.#factor)));
  }

  #answer(text: ByteText): void {
    if (this.#over) return;
    reportAnswer(this.#host.outbox.next(), this.#id, text);
    this.#done();
  }

  #done(): void {
    if (this.#over) return;
    this.#over = true;
    const upstreamMs = this.#sentMs === 0 ? 0 : performance.now() - this.#sentMs;
    const upstreamRequestId = shownId(this.#target.adapter.upstreamRequestId(this.#headers), secretsOf(this.#target));
    // Counting uses no tokens.
    const ended = {
      usage: noUsage(),
      firstByteMs: upstreamMs,
      upstreamMs,
      upstreamRequestId,
      estimate: 0,
      unfinished: "",
      attempts: this.#attempts,
    };
    reportDone(this.#host.outbox.next(), this.#id, ended);
    this.#onOver(this.#id);
  }
}
