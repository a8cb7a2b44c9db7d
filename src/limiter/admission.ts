import { bound } from "../contract/bound.ts";
import type { ByteText } from "../contract/bytes.ts";
import type { Ended } from "../contract/call.ts";
import type { EffectiveLimits } from "../contract/config.ts";
import type { CallWindow } from "../contract/dialect.ts";
import type { ErrorKind } from "../contract/errors.ts";
import type { Usage } from "../contract/usage.ts";
import { ExpectedOutput } from "./expected.ts";
import type { Decision, Limiter, Reservation } from "./limiter.ts";
import { pairKey } from "./store.ts";

/** Whose windows a call takes from, and how much it may answer. */
export interface Claim {
  workspace: string;
  model: string;
  window: CallWindow;
  limits: EffectiveLimits;
  /** The client's bound of the answer, 0 where it gave none. */
  maxTokens: number;
  /** False for a call that has no answer to reserve for. */
  writes: boolean;
}

/** How an admitted call ended. */
export interface Ending {
  outcome: "ok" | ErrorKind;
  /** Undefined where no worker could say. */
  ended: Ended | undefined;
  /** Undefined where the client got no byte of an answer. */
  firstByteAtMs: number | undefined;
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

  /** A call that nobody waits for any more has been admitted: everything is given back. */
  refund(reservation: Reservation): void {
    this.#limiter.refund(reservation);
  }

  /**
   * An admitted call has ended: decides what it costs, once, for every way a call can end (the table is in docs/limits.md).
   * @param bytes - Length of the body.
   */
  end(claim: Claim, reservation: Reservation, bytes: number, { outcome, ended, firstByteAtMs }: Ending): void {
    const isUnanswered = firstByteAtMs === undefined && outcome !== "ok" && outcome !== "cancelled";
    // The clouds count what they refuse as the client's mistake, and whoever sends nothing else must meet a limit too.
    if (isUnanswered && outcome === "upstream_rejected") this.#settleRejected(claim, reservation, ended);
    else if (isUnanswered || wasNeverSent(outcome, ended)) this.#limiter.refund(reservation);
    // A lost worker has said nothing: what was reserved stands.
    else if (ended === undefined) this.#limiter.settle(reservation, reservation.tokens);
    else {
      this.#limiter.settle(reservation, weighted(ended.usage, claim));
      if (outcome === "ok") this.#learnFrom(claim, bytes, ended.usage);
    }
  }

  /** The request and its input, by the upstream's count where it gave one. */
  #settleRejected(claim: Claim, reservation: Reservation, ended: Ended | undefined): void {
    const counted = ended === undefined ? reservation.tokens : weighted(ended.usage, claim) || ended.estimate;
    this.#limiter.settle(reservation, counted);
  }

  #learnFrom(claim: Claim, bytes: number, { input, output, cacheRead, cacheWrite }: Usage): void {
    if (claim.writes) this.#expected.record(claim.workspace, claim.model, output);
    this.#learn(pair(claim), (input + cacheRead + cacheWrite) / bytes);
  }

  #reserve(claim: Claim, input: number, most: number | undefined): Decision | Promise<Decision> {
    const { workspace, model, window, limits, maxTokens, writes } = claim;
    const { tpm } = limits;
    if (window === "counts")
      return this.#limiter.reserve({ workspace, model, window, rpm: limits.countRpm, tpm, input: 0, bound: undefined, output: 0 });
    const output = writes ? this.#expected.tokens(workspace, model, maxTokens, limits.reserveOutput) : 0;
    return this.#limiter.reserve({ workspace, model, window, rpm: limits.rpm, tpm, input, bound: most, output });
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

/** The client left before the upstream was sent anything. */
function wasNeverSent(outcome: Ending["outcome"], ended: Ended | undefined): boolean {
  return outcome === "cancelled" && ended !== undefined && ended.upstreamMs === 0;
}

/** Tokens as the limit counts them. */
function weighted({ input, output, cacheRead, cacheWrite }: Usage, { limits }: Claim): number {
  return input + cacheWrite + output + cacheRead * limits.cacheReadWeight;
}

function pair({ workspace, model }: Claim): string {
  return pairKey(workspace, model);
}
