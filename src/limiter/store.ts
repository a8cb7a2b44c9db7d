/**
 * The interface of a store: the place where the windows of each workspace and model are kept. A store is one file. `memory.ts` and `redis.ts` have the same
 * algorithm (`ring.ts`, `ring.lua`) and pass the same exam (`test/unit/limiter/exam.ts`). What a call costs, when it is settled and what happens when a store fails
 * is in `limiter.ts`.
 */
import { ByNames } from "../contract/by-names.ts";

/** A question to a store: to take so much from both windows, or nothing from either. */
export interface StoreAsk {
  /** The name of the windows: see `pairKey`. */
  key: string;
  rpm: number;
  tpm: number;
  /** 1; or 0, with 0 tokens, only to read the windows. */
  requests: number;
  tokens: number;
  /** 0 where `tokens` comes from a worker's estimate; where it is a guess, the most tokens that the call can need. */
  bound: number;
  /** Called with an answer that comes after `reserve` has rejected: what it took may have to be given back. */
  late?: ((answer: StoreAnswer) => void) | undefined;
}

/** The codes of a store's answers. Only `admitted` takes something. */
export const CODE = { admitted: 0, requests: 1, tokens: 2, weigh: 3 } as const;

export interface StoreAnswer {
  /** A value of `CODE`. */
  code: number;
  /** The tick in which an admitted reservation was counted: `adjust` needs it. */
  tick: number;
  /** Used in the windows, with this reservation. */
  requests: number;
  tokens: number;
  /** Milliseconds after which a refused ask would pass, if no other call takes from the windows. */
  retryMs: number;
  /** Milliseconds until both windows are empty, if no further call takes from them. */
  resetMs: number;
}

/** A change to what a reservation has taken from the windows. */
export interface Adjustment {
  key: string;
  /** The tick in which the reservation was counted. */
  tick: number;
  /** Added to the slot of `tick` while it is in the window; below zero gives back. After that, what would be given back is dropped, and more tokens count now. */
  requests: number;
  tokens: number;
  /** Tokens that were used beyond the reservation: they count now. */
  debt: number;
}

export interface LimiterStore {
  readonly name: "memory" | "redis";
  /** @throws StoreFailure (rejects) within the store's time-out. Then it is not known whether something was taken; see `StoreAsk.late`. */
  reserve(ask: StoreAsk): StoreAnswer | Promise<StoreAnswer>;
  /** Is applied exactly once, soon. While the store cannot be reached, it is kept and sent again. */
  adjust(adjustment: Adjustment): void;
  /** Waits until every adjustment so far is applied, or has failed for now. */
  flush(): Promise<void>;
  /** Resolves where the store takes writes. @throws StoreFailure (rejects) where it does not. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** The kinds of failures, as the label `kind` of `weir_redis_errors_total` has them. */
export const FAILURE_KINDS = ["timeout", "connection", "auth", "reply"] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** A store did not do what it was asked to do. The message has no secret. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

const pairKeys = new ByNames<string>(10_000);
const countKeys = new ByNames<string>(10_000);

/** The name of the windows of a workspace and model. It is percent-encoded, so that no name can be part of another one or leave the braces of a hash tag. */
export function pairKey(workspace: string, model: string): string {
  return pairKeys.of(workspace, model, joined);
}

/** The name of the window for token counts of a workspace and model. It is never the name of a pair, because a pair has only one `/`. */
export function countKey(workspace: string, model: string): string {
  return countKeys.of(workspace, model, joinedCounts);
}

function joinedCounts(workspace: string, model: string): string {
  return `${joined(workspace, model)}/counts`;
}

function joined(workspace: string, model: string): string {
  return `${encodeURIComponent(workspace)}/${encodeURIComponent(model)}`;
}
