/**
 * The seam of the limiter: where the windows of a workspace and model are kept. A store is one file; `memory.ts` and `redis.ts` run the same
 * algorithm (`ring.ts`, `ring.lua`) and sit the same exam (`test/unit/limiter/exam.ts`). What a call costs, when it settles and what happens when
 * a store fails is `limiter.ts`.
 */
import { ByNames } from "../contract/by-names.ts";

/** A question to a store: take so much of both windows, or nothing. */
export interface StoreAsk {
  /** The windows' name: see `pairKey`. */
  key: string;
  rpm: number;
  tpm: number;
  /** 1, or 0 (with 0 tokens) to look only. */
  requests: number;
  tokens: number;
  /** 0 where `tokens` was weighed; else the most that the call can come to, and `tokens` is a guess. */
  bound: number;
  /** Called with the answer where it came after `reserve` had already been rejected: what it took may have to be given back. */
  late?: ((answer: StoreAnswer) => void) | undefined;
}

/** Nothing is taken but by `admitted`. */
export const CODE = { admitted: 0, requests: 1, tokens: 2, weigh: 3 } as const;

export interface StoreAnswer {
  /** A value of `CODE`. */
  code: number;
  /** The tick in which an admitted reservation was counted: `adjust` needs it. */
  tick: number;
  /** Used in the window, this reservation included. */
  requests: number;
  tokens: number;
  /** Milliseconds after which a refused ask would pass, if no other call takes from the windows. */
  retryMs: number;
  /** Milliseconds until both windows are empty, if no further call takes from them. */
  resetMs: number;
}

/** A change to what the windows have counted since `tick`. */
export interface Adjustment {
  key: string;
  tick: number;
  /** Added to the slot of `tick` if it is still in the window; an excess counts now if it is not. Below zero gives back. */
  requests: number;
  tokens: number;
  /** Tokens beyond the reservation: they count now. */
  debt: number;
}

export interface LimiterStore {
  readonly name: "memory" | "redis";
  /** @throws StoreFailure (rejects) within the store's deadline. Then it is not known whether the reservation was made; see `StoreAsk.late`. */
  reserve(ask: StoreAsk): StoreAnswer | Promise<StoreAnswer>;
  /** Applied exactly once, soon; kept and sent again while the store cannot be reached. */
  adjust(adjustment: Adjustment): void;
  /** Waits until every adjustment so far is applied, or cannot be now. */
  flush(): Promise<void>;
  /** Proves that the store takes writes. @throws StoreFailure */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** `kind` is the label of `weir_redis_errors_total`. */
export const FAILURE_KINDS = ["timeout", "connection", "auth", "reply"] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** A store that did not do what it was asked. The message holds no secret. */
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

/** The windows of a workspace and model. Percent-encoded, so that no name can reach into another's or out of the braces of a hash tag. */
export function pairKey(workspace: string, model: string): string {
  return pairKeys.of(workspace, model, joined);
}

/** The window of a workspace's token counts for a model: beside the pair's, and never another pair's, since no name has a bare `/`. */
export function countKey(workspace: string, model: string): string {
  return countKeys.of(workspace, model, joinedCounts);
}

function joinedCounts(workspace: string, model: string): string {
  return `${joined(workspace, model)}/counts`;
}

function joined(workspace: string, model: string): string {
  return `${encodeURIComponent(workspace)}/${encodeURIComponent(model)}`;
}
