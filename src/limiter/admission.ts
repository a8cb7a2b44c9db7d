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

/** The windows that a call takes from, and how long its answer may be. */
export interface Claim {
  workspace: string;
  model: string;
  window: CallWindow;
  /** The name of the upstream that is asked: what is learned from its reports is kept apart from the others' lessons. */
  upstream: string;
  /** The input is counted, and needs no correction. */
  exact: boolean;
  limits: EffectiveLimits;
  /** The client's bound of the answer in tokens; 0 without one. */
  maxTokens: number;
  /** False for a call that has no answer to reserve for. */
  writes: boolean;
}

/** A call as its end sees it. */
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
 * A call's way through the limiter: what to guess, what to reserve for the answer, and what it has used when it ends. The limiter counts; this
 * knows what a call is.
 */
export class Admission {
  readonly #limiter: Limiter;
  readonly #lessons = new Lessons();

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  /** Input tokens that a body of this workspace and model probably has, from its length alone. */
  guess(claim: Claim, body: ByteText): number {
    return Math.ceil(body.length * this.#lessons.of(claim).density);
  }

  /** The factor by which a worker's estimate of this call is multiplied. */
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

  /**
   * A call has ended: decides here, and only here, whether what was reserved is given back or settled, for every way a call can end (the table is in
   * docs/limits.md).
   * @param ending - Undefined where the call had ended before it was let in: its client left while the limiter was asked.
   * @returns what it has used, as far as that is known.
   */
  end({ claim, reservation, bytes }: Admitted, ending: Ending | undefined): Usage | undefined {
    if (reservation === undefined) return ending?.ended?.usage;
    if (ending === undefined) {
      this.#limiter.refund(reservation);
      return undefined;
    }
    const { outcome, ended, firstByteAtMs } = ending;
    const used = ended?.usage ?? this.#passedOn(claim, reservation, ending);
    // A client that leaves makes the upstream work all the same, and must meet a limit too.
    const isUnanswered = firstByteAtMs === undefined && outcome !== "ok" && outcome !== "cancelled" && outcome !== "deadline_exceeded";
    // The clouds count what they refuse as the client's mistake, and a client that sends only such calls must meet a limit too.
    // So do they what was answered and had no room here (`overloaded` with an end: nothing else of that kind came so far).
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
   * Settles an answer that its upstream went on with after its call has ended.
   * @param used - The usage by the upstream's count; undefined where it did not count: then the reservation counts as it is.
   * @param before - The usage that its own call has counted; the answer cannot cost less.
   */
  settleLate(claim: Claim, reservation: Reservation, used: Usage, before: Usage = noUsage()): void {
    const known = weighted(used, claim);
    this.#limiter.settle(reservation, tokensOf(used) > 0 ? known : Math.max(reservation.tokens, weighted(before, claim)));
  }

  /** The usage of a stream whose worker was lost: its input as it was reserved for, and the answer by the bytes that the client has been given. */
  #passedOn(claim: Claim, { tokens, output }: Reservation, { firstByteAtMs, passedBytes }: Ending): Usage | undefined {
    if (firstByteAtMs === undefined || passedBytes === 0) return undefined;
    const answer = Math.ceil(passedBytes * this.#lessons.of(claim).streamDensity);
    return { ...noUsage(), input: Math.max(0, tokens - output), output: answer };
  }

  /** The request and its input, by the upstream's count where it gave one. */
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

/** The client left, or its time was up, before the upstream was sent anything. */
function wasNeverSent(outcome: Ending["outcome"], ended: Ended | undefined): boolean {
  return (outcome === "cancelled" || outcome === "deadline_exceeded") && ended !== undefined && ended.upstreamMs === 0;
}

/** Tokens as the limit counts them. */
function weighted({ input, output, cacheRead, cacheWrite }: Usage, { limits }: Claim): number {
  return input + cacheWrite + output + cacheRead * limits.cacheReadWeight;
}
