/** A value that expires and is renewed in time: temporary keys, access tokens. */

export interface Loaded<T> {
  value: T;
  /** Milliseconds since 1970; from then on the value must not be used. */
  expiresAtMs: number;
  /** Milliseconds since 1970; from then on the next value is fetched, while this one is still used. */
  renewAtMs: number;
}

/** Pause after an attempt, before the next renewal in the background. */
const RENEWAL_PAUSE_MS = 10_000;
/** How long a failure is remembered: calls in this time fail at once, without another attempt. */
const FAILURE_MEMORY_MS = 2_000;

/**
 * Holds one value. It is loaded only when a caller asks (no timer), one load at a time. While the value is good, callers get it at once, and a renewal
 * that fails is tried again later. An expired value is never returned.
 */
export class Renewed<T> {
  readonly #load: () => Promise<Loaded<T>>;
  readonly #nowMs: () => number;
  #held: Loaded<T> | undefined;
  #loading: Promise<T> | undefined;
  #nextTryMs = 0;
  #failure: { thrown: unknown; untilMs: number } | undefined;

  constructor(load: () => Promise<Loaded<T>>, nowMs: () => number = Date.now) {
    this.#load = load;
    this.#nowMs = nowMs;
  }

  /** The value, at once where it is good. Rejects with what `load` threw. */
  get(): T | Promise<T> {
    const nowMs = this.#nowMs();
    const held = this.#held;
    if (held !== undefined && nowMs < held.expiresAtMs) {
      // The failure matters to no call while the value is good: the renewal is tried again after the pause.
      if (nowMs >= held.renewAtMs && nowMs >= this.#nextTryMs) this.#renew().catch(() => undefined);
      return held.value;
    }
    if (this.#failure !== undefined && nowMs < this.#failure.untilMs) return Promise.reject(this.#failure.thrown);
    return this.#renew();
  }

  /** The upstream has refused the value: it stays in use (one refusal proves nothing), but the next call fetches a new one. */
  suspect(): void {
    if (this.#held !== undefined) this.#held.renewAtMs = 0;
  }

  #renew(): Promise<T> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<T> {
    this.#nextTryMs = this.#nowMs() + RENEWAL_PAUSE_MS;
    try {
      const loaded = await this.#load();
      if (loaded.expiresAtMs <= this.#nowMs()) throw new Error("what was received had already expired");
      this.#held = loaded;
      this.#failure = undefined;
      return loaded.value;
    } catch (thrown) {
      this.#failure = { thrown, untilMs: this.#nowMs() + FAILURE_MEMORY_MS };
      throw thrown;
    }
  }
}

/** The result of a load whose sources may have no time limit; rejects after `mostMs` milliseconds without a result. */
export async function withDeadline<T>(load: Promise<T>, mostMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${mostMs / 1000} s`)), mostMs);
  });
  try {
    return await Promise.race([load, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
