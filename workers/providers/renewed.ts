/** Something that expires and is had again in time: temporary keys, access tokens. */

export interface Loaded<T> {
  value: T;
  /** Milliseconds since 1970 from which on it must not be used. */
  expiresAtMs: number;
  /** From which on the next one is fetched, while this one still serves. */
  renewAtMs: number;
}

/** After an attempt, before a renewal in the background is tried again. */
const RENEWAL_PAUSE_MS = 10_000;
/** For which a failure is remembered: calls that come meanwhile fail at once instead of each asking again. */
const FAILURE_MEMORY_MS = 2_000;

/**
 * Holds one value. Loads are made for callers only (no timer), one at a time; while the held value is good, callers get it at once, and a renewal
 * that fails is tried again later. What has expired is never given out.
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

  /** The value, at once where there is a good one. Rejects with what `load` threw. */
  get(): T | Promise<T> {
    const nowMs = this.#nowMs();
    const held = this.#held;
    if (held !== undefined && nowMs < held.expiresAtMs) {
      if (nowMs >= held.renewAtMs && nowMs >= this.#nextTryMs) this.#renew().catch(() => {});
      return held.value;
    }
    if (this.#failure !== undefined && nowMs < this.#failure.untilMs) return Promise.reject(this.#failure.thrown);
    return this.#renew();
  }

  /** The upstream has refused the value: it still serves (a single refusal proves nothing), but a new one is fetched at the next call. */
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
