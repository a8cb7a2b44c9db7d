/**
 * The limiter: what a call costs, which store counts it, and what happens while Redis is away.
 *
 *   reserve   before the call goes to the upstream: takes one request and the estimated tokens from both windows, or nothing from either
 *   correct   when a worker has weighed a call that was reserved by a guess
 *   settle    when the call ends, once: changes the reservation to what was really used
 *   refund    in place of settle, where the call failed before its first byte: gives everything back
 */
import { Breaker } from "./breaker.ts";
import { type Ask, type Decision, type Reservation, type WindowUsage, windowsOf } from "./decision.ts";
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

/** How calls are decided while Redis does not answer: `local` by windows of this process alone, `closed` refuses all (503), `open` admits all. */
export type Policy = "local" | "closed" | "open";

/** `memory` and `redis`: the store works. The others: the store is away, and this policy is in force. */
export const LIMITER_STATES = ["memory", "redis", "local", "closed", "open"] as const;
export type LimiterState = (typeof LIMITER_STATES)[number];

/** A reservation as the limiter keeps it. */
interface Held {
  readonly workspace: string;
  readonly model: string;
  readonly key: string;
  /** The store that counts it; undefined where no window counts it. */
  readonly store: LimiterStore | undefined;
  readonly tick: number;
  readonly output: number;
  readonly tpm: number;
  tokens: number;
  done: boolean;
}

export interface LimiterEvents {
  /** Called once for each change of state. `reason` says what failed, without secrets. */
  onState?: ((state: LimiterState, before: LimiterState, reason: string) => void) | undefined;
  onDuration?: ((operation: "reserve" | "settle", durationMs: number) => void) | undefined;
  /** Called for each failure of the store. */
  onFailure?: ((kind: FailureKind) => void) | undefined;
  /** A call has used more tokens than it had reserved. */
  onDebt?: ((workspace: string, model: string, tokens: number) => void) | undefined;
}

export interface LimiterOptions extends LimiterEvents {
  store: LimiterStore;
  /** Used only with a store that can fail. */
  policy?: Policy | undefined;
  /** The windows of policy `local`. */
  local?: LimiterStore | undefined;
  /** So many failures in a row, and calls are decided by the policy without asking the store. */
  failures?: number | undefined;
  probeEveryMs?: number | undefined;
}

/** A correction that is smaller than this part of the reservation is not worth a command. */
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

  /** For `/readyz`: not ok only under `closed`, before the first contact with Redis. */
  ready(): { ok: boolean; detail: string } {
    if (this.#state === "memory") return { ok: true, detail: "memory: limits are kept in this process" };
    if (this.#state === "redis") return { ok: true, detail: "redis" };
    const what = { local: "limits are kept in this process", closed: "calls are refused", open: "calls pass unlimited" }[this.#state];
    return { ok: this.#contacted || this.#policy !== "closed", detail: `${this.#state}: Redis is away (${this.#reason}), ${what}` };
  }

  /** Waits for the first contact with the store. False where there was none within the time. */
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

  /** To be called when Redis has a connection: the breaker probes now, and does not wait for its next probe. */
  storeConnected(): void {
    void this.#breaker?.probeNow();
  }

  /** Never rejects, and never takes longer than the store's time-out. Decides at once where the windows are in memory. */
  reserve(ask: Ask): Decision | Promise<Decision> {
    const { tpm, bound } = ask;
    const key = keyOf(ask);
    if (bound === undefined && ask.input > tpm) return this.#tooLarge(ask, key);
    // The bound alone is above the limit, but the input itself may be small.
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
        // The store has already reported the failure by `storeFailed`.
        this.#options.onDuration?.("reserve", performance.now() - beganMs);
        const decision = await this.#byPolicy(ask, key, tokens, storeAsk);
        // The store may still count this reservation. Where the policy admits the call, it is counted twice for one window, which is safe. Where the policy does not,
        // a late reservation is given back.
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

  /** To be called for each failure of the store: the breaker counts it. */
  storeFailed(failure: StoreFailure): void {
    this.#options.onFailure?.(failure.kind);
    this.#reason = failure.message;
    this.#breaker?.failed(failure.message);
  }

  /** Replaces the guess in a reservation by the worker's estimate, where the guess was far off. */
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

  /** The call has ended, and has used so many tokens. After the first `settle` or `refund` of a reservation, further ones change nothing. */
  settle(reservation: Reservation, usedTokens: number): void {
    const held = reservation as Held;
    if (held.done) return;
    this.#end(held);
    // A usage that is not a number is not known: the reservation counts as it is.
    const used = Number.isFinite(usedTokens) ? Math.max(0, Math.round(usedTokens)) : held.tokens;
    const debt = Math.max(0, used - held.tokens);
    if (debt > 0) this.#options.onDebt?.(held.workspace, held.model, debt);
    if (used !== held.tokens)
      held.store?.adjust({ key: held.key, tick: held.tick, requests: 0, tokens: Math.min(0, used - held.tokens), debt });
  }

  /** The call failed before its first byte: its request and its tokens are given back. See `settle`. */
  refund(reservation: Reservation): void {
    const held = reservation as Held;
    if (held.done) return;
    this.#end(held);
    held.store?.adjust({ key: held.key, tick: held.tick, requests: -1, tokens: -held.tokens, debt: 0 });
  }

  /** What both windows of a workspace and model hold now; undefined where no window counts. */
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

  /** Sends the settlements that are not delivered yet, as far as that is possible now, and closes the store. */
  async close(): Promise<void> {
    this.#breaker?.stop();
    await Promise.all([this.#store.close(), this.#options.local?.close()]);
  }

  /** Reads the windows, and takes nothing. Undefined where no window counts. */
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

/** The tokens to reserve: input and answer together, at most the limit. Where a value is not a number, it is the whole limit: no sum may ever become NaN. */
function withOutput(input: number, output: number, tpm: number): number {
  const tokens = Math.ceil(Math.max(0, input)) + Math.ceil(Math.max(0, output));
  return Number.isFinite(tokens) ? Math.min(tokens, tpm) : tpm;
}
