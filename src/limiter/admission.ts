import { bound } from "../contract/bound.ts";
import type { ByteText } from "../contract/bytes.ts";
import type { Ended } from "../contract/call.ts";
import type { EffectiveLimits } from "../contract/config.ts";
import { expectedTokens } from "./expected.ts";
import { Lessons } from "./lessons.ts";
import type { Decision, Limiter, Reservation } from "./limiter.ts";

/** Whose windows a call takes from, and how much it may answer. */
export interface Claim {
  workspace: string;
  model: string;
  /** The name of the one that is asked: what its reports teach is kept apart from what others teach. */
  upstream: string;
  /** The input is counted, and needs no correction. */
  exact: boolean;
  limits: EffectiveLimits;
  /** The client's bound of the answer, 0 where it gave none. */
  maxTokens: number;
  /** False for a call that has no answer to reserve for. */
  writes: boolean;
}

/**
 * A call's way through the limiter: what to guess, what to reserve for the answer, and what it has used when it ends. The limiter counts; this
 * knows what a call is.
 */
export class Admission {
  readonly #limiter: Limiter;
  readonly #lessons = new Lessons();

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  /** Input tokens that a body of this pair probably has, from its length alone. */
  guess(claim: Claim, body: ByteText): number {
    return Math.ceil(body.length * this.#lessons.of(claim).density);
  }

  /** What a worker's estimate of this call is to be multiplied by. */
  factor(claim: Claim): number {
    return claim.exact ? 1 : this.#lessons.of(claim).correction.factor;
  }

  /** Reserves by a guess, in one trip; `weigh` where the window might not have room for the most that the body can be. */
  byGuess(claim: Claim, body: ByteText, guess: number): Decision | Promise<Decision> {
    return this.#reserve(claim, guess, bound(body));
  }

  /** Reserves by a worker's estimate, which nothing has corrected yet. */
  byWeight(claim: Claim, estimate: number): Decision | Promise<Decision> {
    return this.#reserve(claim, Math.ceil(estimate * this.factor(claim)), undefined);
  }

  /** The worker has estimated a call that was reserved by a guess. */
  correct(reservation: Reservation, inputTokens: number): void {
    this.#limiter.correct(reservation, inputTokens);
  }

  /** A call that was never put to an upstream, or failed there before its first byte: everything is given back. */
  refund(reservation: Reservation): void {
    this.#limiter.refund(reservation);
  }

  /**
   * The call has ended: to what it used, as far as that is known; else what was reserved stands.
   * @param bytes - Length of the body.
   * @param whole - The answer came to its own end: such answers teach what to expect.
   */
  settle(claim: Claim, reservation: Reservation, bytes: number, ended: Ended | undefined, whole: boolean): void {
    if (ended === undefined) {
      this.#limiter.settle(reservation, reservation.tokens);
      return;
    }
    const { input, output, cacheRead, cacheWrite } = ended.usage;
    this.#limiter.settle(reservation, input + cacheWrite + output + cacheRead * claim.limits.cacheReadWeight);
    if (!whole) return;
    const lesson = this.#lessons.open(claim);
    if (claim.writes) lesson.lengths.record(output);
    lesson.learnDensity((input + cacheRead + cacheWrite) / bytes);
    lesson.correction.learn(ended.estimate, input + cacheRead + cacheWrite);
  }

  #reserve(claim: Claim, input: number, most: number | undefined): Decision | Promise<Decision> {
    const { workspace, model, limits, maxTokens, writes } = claim;
    const output = writes ? expectedTokens(this.#lessons.of(claim).lengths, maxTokens, limits.reserveOutput) : 0;
    return this.#limiter.reserve({ workspace, model, rpm: limits.rpm, tpm: limits.tpm, input, bound: most, output });
  }
}
