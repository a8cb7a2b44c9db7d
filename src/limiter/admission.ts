import { bound } from "../contract/bound.ts";
import type { ByteText } from "../contract/bytes.ts";
import type { Ended } from "../contract/call.ts";
import type { EffectiveLimits } from "../contract/config.ts";
import { ExpectedOutput } from "./expected.ts";
import type { Decision, Limiter, Reservation } from "./limiter.ts";
import { pairKey } from "./store.ts";

/** Whose windows a call takes from, and how much it may answer. */
export interface Claim {
  workspace: string;
  model: string;
  limits: EffectiveLimits;
  /** The client's bound of the answer, 0 where it gave none. */
  maxTokens: number;
  /** False for a call that has no answer to reserve for. */
  writes: boolean;
}

/** Tokens per byte of body before anything was learned: between English (0.25 to 0.3) and code or Chinese (0.4). */
const FIRST_DENSITY = 0.33;
/** Weight of one call in the learned density. */
const STEP = 1 / 16;
/** Pairs remembered; beyond that the one first seen is forgotten, and learns anew. */
const MOST_PAIRS = 10_000;

/**
 * A call's way through the limiter: what to guess, what to reserve for the answer, and what it has used when it ends. The limiter counts; this
 * knows what a call is.
 */
export class Admission {
  readonly #limiter: Limiter;
  readonly #expected = new ExpectedOutput();
  /** Tokens per byte of body, of recent calls. */
  readonly #densities = new Map<string, number>();

  constructor(limiter: Limiter) {
    this.#limiter = limiter;
  }

  /** Input tokens that a body of this pair probably has, from its length alone. */
  guess(claim: Claim, body: ByteText): number {
    return Math.ceil(body.length * (this.#densities.get(pair(claim)) ?? FIRST_DENSITY));
  }

  /** Reserves by a guess, in one trip; `weigh` where the window might not have room for the most that the body can be. */
  byGuess(claim: Claim, body: ByteText, guess: number): Decision | Promise<Decision> {
    return this.#reserve(claim, guess, bound(body));
  }

  /** Reserves by a worker's estimate. */
  byWeight(claim: Claim, inputTokens: number): Decision | Promise<Decision> {
    return this.#reserve(claim, inputTokens, undefined);
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
    if (claim.writes) this.#expected.record(claim.workspace, claim.model, output);
    this.#learn(pair(claim), (input + cacheRead + cacheWrite) / bytes);
  }

  #reserve({ workspace, model, limits, maxTokens, writes }: Claim, input: number, most: number | undefined): Decision | Promise<Decision> {
    const output = writes ? this.#expected.tokens(workspace, model, maxTokens, limits.reserveOutput) : 0;
    return this.#limiter.reserve({ workspace, model, rpm: limits.rpm, tpm: limits.tpm, input, bound: most, output });
  }

  #learn(key: string, density: number): void {
    if (!(density > 0) || !Number.isFinite(density)) return;
    const known = this.#densities.get(key);
    if (known === undefined && this.#densities.size >= MOST_PAIRS) {
      const [oldest] = this.#densities.keys();
      if (oldest !== undefined) this.#densities.delete(oldest);
    }
    this.#densities.set(key, known === undefined ? density : known + STEP * (density - known));
  }
}

function pair({ workspace, model }: Claim): string {
  return pairKey(workspace, model);
}
