/** What a call asks the limiter for, and what the limiter decides. */
import type { CallWindow } from "../contract/dialect.ts";
import type { StoreAnswer } from "./store.ts";

/** What a call asks the limiter for. */
export interface Ask {
  workspace: string;
  model: string;
  /** `counts` is a separate window, which takes no tokens: `input` and `output` are 0. */
  window: CallWindow;
  rpm: number;
  tpm: number;
  /** Tokens of the input: a worker's estimate, or a guess where `bound` is set. */
  input: number;
  /** Upper bound of the input's tokens; undefined where `input` is a worker's estimate. */
  bound: number | undefined;
  /** Expected tokens of the answer (`answer-lengths.ts`). */
  output: number;
}

export interface Window {
  limit: number;
  /** Requests or tokens that are left after this reservation. */
  remaining: number;
  /** Milliseconds until the window is empty, if no further call takes from it. */
  resetMs: number;
}

/** What the windows hold after a decision. */
export interface Windows {
  requests: Window;
  /** Undefined for the window `counts`, which has no tokens. */
  tokens: Window | undefined;
}

/** The windows by the answer of a store. */
export function windowsOf({ window, rpm, tpm }: Ask, { requests, tokens, resetMs }: StoreAnswer): Windows {
  return {
    requests: { limit: rpm, remaining: Math.max(0, rpm - requests), resetMs },
    tokens: window === "calls" ? { limit: tpm, remaining: Math.max(0, tpm - tokens), resetMs } : undefined,
  };
}

/** The outcomes `admitted`, `requests`, `tokens` and `too_large` are also labels of `weir_limiter_decisions_total`. */
export type Decision =
  /** `windows` is undefined where the policy is `open`: then no window counts the call. */
  | { outcome: "admitted"; reservation: Reservation; windows: Windows | undefined }
  /** One of the windows has refused the call; nothing was taken. */
  | { outcome: "requests" | "tokens"; limit: number; used: number; requested: number; retryAfterMs: number; windows: Windows }
  /** The window may not have room for the bound: ask again with a worker's estimate and no bound. */
  | { outcome: "weigh" }
  /** The input alone is larger than the limit: it can never pass. `windows` is undefined where they cannot be read now. */
  | { outcome: "too_large"; limit: number; requested: number; windows: Windows | undefined }
  /** Redis is away, and the policy is `closed`. */
  | { outcome: "unavailable" };

/** The reservation of an admitted call. Only the limiter that made it can settle it. */
export interface Reservation {
  readonly workspace: string;
  readonly model: string;
  /** The tokens that are reserved now. */
  readonly tokens: number;
  /** The part of them that is for the answer. */
  readonly output: number;
}

/** What both windows of a workspace and model hold now, for the operator. */
export interface WindowUsage {
  /** `used`: by all gateways, settled and reserved together. `reserved`: the part of it that open calls of this process hold. */
  requests: { limit: number; used: number; reserved: number };
  tokens: { limit: number; used: number; reserved: number };
}
