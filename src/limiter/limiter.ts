/**
 * The limiter: what a call costs, where it is counted, and what happens while Redis is away.
 *
 *   reserve   before the upstream: one request and the estimated tokens from both windows, or neither
 *   correct   as soon as the worker has weighed a call that was reserved by a guess
 *   settle    when the call ends, once, to what was really used; or `refund`, where it failed before its first byte
 */
import type { CallWindow } from "../contract/dialect.ts";
import { Breaker } from "./breaker.ts";
import {
  CODE,
  countKey,
  type FailureKind,
  type LimiterStore,
  pairKey,
  type StoreAnswer,
  type StoreAsk,
  type StoreFailure,
} from "./store.ts";

/** How calls are decided while Redis does not answer: by windows of this process alone; refused (503); or all admitted. */
export type Policy = "local" | "closed" | "open";

/** `memory` and `redis` are health; the others are the policy in force. */
export const LIMITER_STATES = ["memory", "redis", "local", "closed", "open"] as const;
export type LimiterState = (typeof LIMITER_STATES)[number];

export interface Ask {
  workspace: string;
  model: string;
  /** Token counts have a window of their own, and take no tokens: `input` and `output` are 0. */
  window: CallWindow;
  rpm: number;
  tpm: number;
  /** Tokens of the input: weighed, or a guess where `bound` is set. */
  input: number;
  /** Upper bound of the input's tokens; undefined where `input` was weighed. */
  bound: number | undefined;
  /** Expected tokens of the answer (`expected.ts`). */
  output: number;
}

export interface Window {
  limit: number;
  /** Requests or tokens that are left after this reservation. */
  remaining: number;
  /** Milliseconds until the window is empty, if no further call takes from it. */
  resetMs: number;
}

export interface Windows {
  requests: Window;
  /** Undefined for token counts, which take no tokens. */
  tokens: Window | undefined;
}

/** `outcome` is the label of `weir_limiter_decisions_total` where it is `admitted`, `requests`, `tokens` or `too_large`. */
export type Decision =
  /** `windows` undefined: the policy is `open`, and no window counts the call. */
  | { outcome: "admitted"; reservation: Reservation; windows: Windows | undefined }
  /** Refused by one of the windows; nothing was taken. */
  | { outcome: "requests" | "tokens"; limit: number; used: number; requested: number; retryAfterMs: number; windows: Windows }
  /** The guess might not fit: ask again with the worker's estimate and no bound. */
  | { outcome: "weigh" }
  /** The input alone is larger than the limit: it can never pass. `windows` undefined where they cannot be looked at now. */
  | { outcome: "too_large"; limit: number; requested: number; windows: Windows | undefined }
  /** Redis is away and the policy is `closed`. */
  | { outcome: "unavailable" };

/** The reservation of an admitted call. Only the limiter that made it can settle it. */
export interface Reservation {
  readonly workspace: string;
  readonly model: string;
  /** Reserved now. */
  readonly tokens: number;
  /** How much of them is for the answer. */
  readonly output: number;
}

interface Held {
  readonly workspace: string;
  readonly model: string;
  readonly key: string;
  /** The store it was taken from; undefined where no window counts it. */
  readonly store: LimiterStore | undefined;
  readonly tick: number;
  readonly output: number;
  readonly tpm: number;
  tokens: number;
  done: boolean;
}

export interface LimiterEvents {
  /** Called once per change of state, to be logged and shown; `reason` says what failed, without secrets. */
  onState?: ((state: LimiterState, before: LimiterState, reason: string) => void) | undefined;
  onDuration?: ((operation: "reserve" | "settle", durationMs: number) => void) | undefined;
  /** Each failure of the store. */
  onFailure?: ((kind: FailureKind) => void) | undefined;
  /** An answer was longer than its reservation. */
  onDebt?: ((workspace: string, model: string, tokens: number) => void) | undefined;
}

export interface LimiterOptions extends LimiterEvents {
  store: LimiterStore;
  /** Takes part only with a store that can fail. */
  policy?: Policy | undefined;
  /** The windows of policy `local`. */
  local?: LimiterStore | undefined;
  /** Failures in a row that send calls straight to the policy. */
  failures?: number | undefined;
  probeEveryMs?: number | undefined;
}

export interface WindowUsage {
  /** `used` is settled and reserved together, of all gateways; `reserved` is what open calls of this process hold of it. */
  requests: { limit: number; used: number; reserved: number };
  tokens: { limit: number; used: number; reserved: number };
}

/** A correction smaller than this part of the reservation is not worth a command. */
const WORTH_CORRECTING = 0.1;

export class Limiter {
  readonly #options: LimiterOptions;
  readonly #store: LimiterStore;
  readonly #breaker: Breaker | undefined;
  readonly #policy: Policy;
  readonly #open = new Map<string, { requests: number; tokens: number }>();
  #state: LimiterState;
  #contacted = false;
  #reason = "no contact yet";
  #wake: (() => void)[] = [];

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#policy = options.policy ?? "local";
    if (this.#store.name === "memory") {
      this.#state = "memory";
      return;
    }
    this.#state = this.#policy;
    this.#breaker = new Breaker({
      failures: options.failures ?? 5,
      probeEveryMs: options.probeEveryMs ?? 200,
      probe: () => this.#store.probe(),
      changed: (open, reason) => this.#changed(open, reason),
    });
  }

  get state(): LimiterState {
    return this.#state;
  }

  /** For `/readyz`: false before the first contact under `closed`. */
  ready(): { ok: boolean; detail: string } {
    if (this.#state === "memory") return { ok: true, detail: "memory: limits are kept in this process" };
    if (this.#state === "redis") return { ok: true, detail: "redis" };
    const what = { local: "limits are kept in this process", closed: "calls are refused", open: "calls pass unlimited" }[this.#state];
    return { ok: this.#contacted || this.#policy !== "closed", detail: `${this.#state}: Redis is away (${this.#reason}), ${what}` };
  }

  /** Waits for the first contact with the store, at most so long; false where there was no contact. */
  async contact(withinMs: number): Promise<boolean> {
    if (this.#breaker === undefined || this.#contacted) return true;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.#contacted;
  }

  /** Redis has a connection (again): the breaker need not wait for its next probe. */
  storeConnected(): void {
    void this.#breaker?.probeNow();
  }

  /** Never rejects, and never takes longer than the store's deadline; at once where the windows are in memory. */
  reserve(ask: Ask): Decision | Promise<Decision> {
    const { tpm, bound } = ask;
    const key = keyOf(ask);
    if (bound === undefined && ask.input > tpm) return this.#tooLarge(ask, key);
    // A guess whose bound alone passes the limit may well be small.
    if (bound !== undefined && bound > tpm) return { outcome: "weigh" };
    const tokens = withOutput(Math.min(ask.input, bound ?? ask.input), ask.output, tpm);
    const most = bound === undefined ? 0 : withOutput(bound, ask.output, tpm);
    const storeAsk: StoreAsk = { key, rpm: ask.rpm, tpm, requests: 1, tokens, bound: most, late: undefined };
    if (this.#breaker?.isOpen) return this.#byPolicy(ask, key, tokens, storeAsk);
    const beganMs = performance.now();
    const asked = this.#store.reserve(storeAsk);
    if (!(asked instanceof Promise)) return this.#decide(ask, key, tokens, this.#store, asked);
    return asked.then(
      (answer) => {
        this.#breaker?.succeeded();
        this.#options.onDuration?.("reserve", performance.now() - beganMs);
        return this.#decide(ask, key, tokens, this.#store, answer);
      },
      async () => {
        // The store has reported the failure already (`storeFailed`).
        this.#options.onDuration?.("reserve", performance.now() - beganMs);
        const decision = await this.#byPolicy(ask, key, tokens, storeAsk);
        // The store may take it after all. Where the call goes on it is counted twice for a window, which is safe; where it does not, it is given back.
        if (decision.outcome !== "admitted") {
          storeAsk.late = ({ code, tick }) => {
            if (code === CODE.admitted) this.#store.adjust({ key, tick, requests: -1, tokens: -tokens, debt: 0 });
          };
        }
        return decision;
      },
    );
  }

  async #tooLarge(ask: Ask, key: string): Promise<Decision> {
    const answer = await this.#look(key, ask.rpm, ask.tpm);
    return { outcome: "too_large", limit: ask.tpm, requested: ask.input, windows: answer && windowsOf(ask, answer) };
  }

  /** A failure of the store, of whatever call: counts for the breaker. */
  storeFailed(failure: StoreFailure): void {
    this.#options.onFailure?.(failure.kind);
    this.#reason = failure.message;
    this.#breaker?.failed(failure.message);
  }

  /** Replaces the guess of a one-trip reservation by the worker's estimate, where it was far off. */
  correct(reservation: Reservation, input: number): void {
    const held = reservation as Held;
    if (held.done || held.store === undefined) return;
    const tokens = withOutput(Math.min(input, held.tpm), held.output, held.tpm);
    const change = tokens - held.tokens;
    if (Math.abs(change) <= held.tokens * WORTH_CORRECTING) return;
    held.store.adjust({ key: held.key, tick: held.tick, requests: 0, tokens: change, debt: 0 });
    this.#hold(held.key, 0, change);
    held.tokens = tokens;
  }

  /** The call has ended and used so many tokens. Once: whatever comes after it for the same reservation changes nothing. */
  settle(reservation: Reservation, usedTokens: number): void {
    const held = reservation as Held;
    if (held.done) return;
    this.#end(held);
    // Where the caller does not know the usage, the reservation counts as it is.
    const used = Number.isFinite(usedTokens) ? Math.max(0, Math.round(usedTokens)) : held.tokens;
    const debt = Math.max(0, used - held.tokens);
    if (debt > 0) this.#options.onDebt?.(held.workspace, held.model, debt);
    if (used !== held.tokens)
      held.store?.adjust({ key: held.key, tick: held.tick, requests: 0, tokens: Math.min(0, used - held.tokens), debt });
  }

  /** The call failed before its first byte: request and tokens are given back. Once, as `settle`. */
  refund(reservation: Reservation): void {
    const held = reservation as Held;
    if (held.done) return;
    this.#end(held);
    held.store?.adjust({ key: held.key, tick: held.tick, requests: -1, tokens: -held.tokens, debt: 0 });
  }

  /** Both windows of a workspace and model now; undefined where no window counts. */
  async usage(workspace: string, model: string, rpm: number, tpm: number): Promise<WindowUsage | undefined> {
    const key = pairKey(workspace, model);
    const answer = await this.#look(key, rpm, tpm);
    if (answer === undefined) return undefined;
    const open = this.#open.get(key) ?? { requests: 0, tokens: 0 };
    return {
      requests: { limit: rpm, used: answer.requests, reserved: Math.min(open.requests, answer.requests) },
      tokens: { limit: tpm, used: answer.tokens, reserved: Math.min(open.tokens, answer.tokens) },
    };
  }

  /** Delivers outstanding settlements as far as that is possible now, and lets go of the store. */
  async close(): Promise<void> {
    this.#breaker?.stop();
    await Promise.all([this.#store.close(), this.#options.local?.close()]);
  }

  /** The state of the windows; takes nothing. Undefined where no window counts. */
  async #look(key: string, rpm: number, tpm: number): Promise<StoreAnswer | undefined> {
    const looking = { key, rpm, tpm, requests: 0, tokens: 0, bound: 0 };
    try {
      return await (this.#breaker?.isOpen ? this.#localStore() : this.#store)?.reserve(looking);
    } catch {
      return await this.#localStore()?.reserve(looking);
    }
  }

  #changed(open: boolean, reason: string): void {
    const before = this.#state;
    if (!open) {
      this.#contacted = true;
      for (const wake of this.#wake.splice(0)) wake();
    }
    this.#state = open ? this.#policy : "redis";
    this.#options.onState?.(this.#state, before, reason);
  }

  #localStore(): LimiterStore | undefined {
    return this.#policy === "local" ? this.#options.local : undefined;
  }

  async #byPolicy(ask: Ask, key: string, tokens: number, storeAsk: StoreAsk): Promise<Decision> {
    const local = this.#localStore();
    if (local !== undefined) return this.#decide(ask, key, tokens, local, await local.reserve(storeAsk));
    if (this.#policy === "open")
      return { outcome: "admitted", reservation: this.#take(ask, key, tokens, undefined, 0), windows: undefined };
    return { outcome: "unavailable" };
  }

  #decide(ask: Ask, key: string, tokens: number, store: LimiterStore, answer: StoreAnswer): Decision {
    if (answer.code === CODE.weigh) return { outcome: "weigh" };
    const windows = windowsOf(ask, answer);
    if (answer.code === CODE.admitted)
      return { outcome: "admitted", reservation: this.#take(ask, key, tokens, store, answer.tick), windows };
    const { retryMs: retryAfterMs } = answer;
    return answer.code === CODE.requests
      ? { outcome: "requests", limit: ask.rpm, used: answer.requests, requested: 1, retryAfterMs, windows }
      : { outcome: "tokens", limit: ask.tpm, used: answer.tokens, requested: tokens, retryAfterMs, windows };
  }

  #take(ask: Ask, key: string, tokens: number, store: LimiterStore | undefined, tick: number): Held {
    this.#hold(key, 1, tokens);
    return { workspace: ask.workspace, model: ask.model, key, store, tick, output: ask.output, tpm: ask.tpm, tokens, done: false };
  }

  #end(held: Held): void {
    held.done = true;
    this.#hold(held.key, -1, -held.tokens);
  }

  #hold(key: string, requests: number, tokens: number): void {
    const open = this.#open.get(key);
    if (open === undefined) this.#open.set(key, { requests, tokens });
    else if (open.requests + requests === 0) this.#open.delete(key);
    else {
      open.requests += requests;
      open.tokens += tokens;
    }
  }
}

function keyOf({ window, workspace, model }: Ask): string {
  return window === "calls" ? pairKey(workspace, model) : countKey(workspace, model);
}

function windowsOf({ window, rpm, tpm }: Ask, { requests, tokens, resetMs }: StoreAnswer): Windows {
  return {
    requests: { limit: rpm, remaining: Math.max(0, rpm - requests), resetMs },
    tokens: window === "calls" ? { limit: tpm, remaining: Math.max(0, tpm - tokens), resetMs } : undefined,
  };
}

/** The input, plus what the limit leaves beside it for the answer. A value that is not a number takes the whole limit: a sum must never become NaN. */
function withOutput(input: number, output: number, tpm: number): number {
  const tokens = Math.ceil(Math.max(0, input)) + Math.ceil(Math.max(0, output));
  return Number.isFinite(tokens) ? Math.min(tokens, tpm) : tpm;
}
