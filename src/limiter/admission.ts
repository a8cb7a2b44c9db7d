import type { ByteText } from "../contract/bytes.ts";
import type { Ended } from "../contract/call.ts";
import type { EffectiveLimits } from "../contract/config.ts";
import type { CallWindow } from "../contract/dialect.ts";
import type { ErrorKind } from "../contract/errors.ts";
import { noUsage, tokensOf, type Usage } from "../contract/usage.ts";
import { bound } from "./bound.ts";
import { expectedTokens } from "./expected.ts";
import { Lessons } from "./lessons.ts";
import type { Decision, Limiter, Reservation } from "./limiter.ts";

/** What a call takes from which windows, before the limiter is asked. */
export interface Claim {
  workspace: string;
  model: string;
  window: CallWindow;
  /** The name of the upstream: the lessons of each upstream are kept apart. */
  upstream: string;
  /** The input is counted exactly, so no correction is needed. */
  exact: boolean;
  limits: EffectiveLimits;
  /** The most tokens of an answer that the client allows; 0 where it does not say. */
  maxTokens: number;
  /** Whether the call has an answer for which tokens are reserved. */
  writes: boolean;
}

/** A call at its end. */
export interface Admitted {
  claim: Claim;
  /** Undefined where the call was not admitted. */
  reservation: Reservation | undefined;
  /** Length of the body. */
  bytes: number;
}

/** How a call ended. */
export interface Ending {
  outcome: "ok" | ErrorKind;
  /** The worker's last report; undefined where there was none. */
  ended: Ended | undefined;
  /** Undefined where the client got no byte of an answer. */
  firstByteAtMs: number | undefined;
  /** Bytes of a stream that were given to the client. */
  passedBytes: number;
}

/**
 * A call's way through the limiter: how many tokens to guess, how many to reserve for the answer, and how many the call has used when it ends. The limiter only
 * counts; what a call is and what it teaches is decided here.
 */
export class Admission {
  readonly #limiter: Limiter;
  readonly #lessons = new Lessons();

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  /** The input tokens that a body of this claim probably has, by its length alone. */
  guess(claim: Claim, body: ByteText): number {
    return Math.ceil(body.length * this.#lessons.of(claim).density);
  }

  /** The factor by which a worker's estimate of this call is multiplied. */
  factor(claim: Claim): number {
    return claim.exact ? 1 : this.#lessons.of(claim).correction.factor;
  }

  /** Reserves by a guess. The decision is `weigh` where the window may not have room for the most tokens that the body can have. */
  byGuess(claim: Claim, body: ByteText, guess: number): Decision | Promise<Decision> {
    return this.#reserve(claim, guess, bound(body));
  }

  /** Reserves by a worker's estimate, which is corrected here. */
  byWeight(claim: Claim, estimate: number): Decision | Promise<Decision> {
    return this.#reserve(claim, Math.ceil(estimate * this.factor(claim)), undefined);
  }

  /** Corrects a reservation by a guess. `inputTokens`: a worker's estimate, corrected. */
  correct(reservation: Reservation, inputTokens: number): void {
    this.#limiter.correct(reservation, inputTokens);
  }

  /**
   * A call has ended. Here, and only here, it is decided whether a reservation is given back or settled, for every way in which a call can end (docs/limits.md has
   * the table).
   * @param ending - Undefined where the client left while the limiter was asked: the call had ended before it was admitted.
   * @returns the tokens that the call used, as far as that is known.
   */
  end({ claim, reservation, bytes }: Admitted, ending: Ending | undefined): Usage | undefined {
    if (reservation === undefined) return ending?.ended?.usage;
    if (ending === undefined) {
      this.#limiter.refund(reservation);
      return undefined;
    }
    const { outcome, ended, firstByteAtMs } = ending;
    const used = ended?.usage ?? this.#passedOn(claim, reservation, ending);
    // A client that leaves, or whose time is up, has made the upstream work, and must reach a limit too.
    const isUnanswered = firstByteAtMs === undefined && outcome !== "ok" && outcome !== "cancelled" && outcome !== "deadline_exceeded";
    // The clouds also count a request that they refuse as the client's mistake, and a client that sends only such requests must reach a limit too. The same is true
    // for an answer for which there was no room here: `overloaded` with a worker's report.
    if (isUnanswered && (outcome === "upstream_rejected" || (outcome === "overloaded" && ended !== undefined)))
      this.#settleRejected(claim, reservation, ended);
    else if (isUnanswered || wasNeverSent(outcome, ended)) this.#limiter.refund(reservation);
    // The usage is not known: the reservation counts as it is.
    else if (used === undefined) this.#limiter.settle(reservation, reservation.tokens);
    else {
      this.#limiter.settle(reservation, weighted(used, claim));
      if (outcome === "ok" && ended !== undefined) this.#learnFrom(claim, bytes, ended, ending.passedBytes);
    }
    return used;
  }

  /**
   * Settles an answer that its upstream continued after the call.
   * @param used - The usage by the upstream's count; without tokens where it is not known: then the reservation counts as it is.
   * @param before - The usage that was counted when the call ended; the answer cannot cost less.
   */
  settleLate(claim: Claim, reservation: Reservation, used: Usage, before: Usage = noUsage()): void {
    const known = weighted(used, claim);
    this.#limiter.settle(reservation, tokensOf(used) > 0 ? known : Math.max(reservation.tokens, weighted(before, claim)));
  }

  /** The usage of a stream whose worker was lost: the reserved input, and an estimate of the answer by the bytes that the client was given. */
  #passedOn(claim: Claim, { tokens, output }: Reservation, { firstByteAtMs, passedBytes }: Ending): Usage | undefined {
    if (firstByteAtMs === undefined || passedBytes === 0) return undefined;
    const answer = Math.ceil(passedBytes * this.#lessons.of(claim).streamDensity);
    return { ...noUsage(), input: Math.max(0, tokens - output), output: answer };
  }

  /** Settles a refused request by its input: by the upstream's count where it gave one, else by the worker's estimate. */
  #settleRejected(claim: Claim, reservation: Reservation, ended: Ended | undefined): void {
    const counted =
      ended === undefined ? reservation.tokens : weighted(ended.usage, claim) || Math.ceil(ended.estimate * this.factor(claim));
    this.#limiter.settle(reservation, counted);
  }

  #learnFrom(claim: Claim, bytes: number, { usage, estimate }: Ended, passedBytes: number): void {
    const { input, output, cacheRead, cacheWrite } = usage;
    const lesson = this.#lessons.open(claim);
    if (claim.writes) lesson.lengths.record(output);
    if (passedBytes > 0) lesson.learnStreamDensity(output / passedBytes);
    lesson.learnDensity((input + cacheRead + cacheWrite) / bytes);
    lesson.correction.learn(estimate, input + cacheRead + cacheWrite);
  }

  #reserve(claim: Claim, input: number, most: number | undefined): Decision | Promise<Decision> {
    const { workspace, model, window, limits, maxTokens, writes } = claim;
    const { tpm } = limits;
    if (window === "counts")
      return this.#limiter.reserve({ workspace, model, window, rpm: limits.countRpm, tpm, input: 0, bound: undefined, output: 0 });
    const output = writes ? expectedTokens(this.#lessons.of(claim).lengths, maxTokens, limits.reserveOutput) : 0;
    return this.#limiter.reserve({ workspace, model, window, rpm: limits.rpm, tpm, input, bound: most, output });
  }
}

/** Whether the client left, or its time was up, before anything was sent to the upstream. */
function wasNeverSent(outcome: Ending["outcome"], ended: Ended | undefined): boolean {
  return (outcome === "cancelled" || outcome === "deadline_exceeded") && ended !== undefined && ended.upstreamMs === 0;
}

/** The tokens that the limit counts: cache reads by their weight. */
function weighted({ input, output, cacheRead, cacheWrite }: Usage, { limits }: Claim): number {
  return input + cacheWrite + output + cacheRead * limits.cacheReadWeight;
}
