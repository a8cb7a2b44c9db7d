const SPAN_SECONDS = 10;
/** Further attempts for each call. */
const SHARE = 0.2;
/** So that a gateway with few calls may try again at all. */
const ALWAYS = 3;

/**
 * How many further attempts this process may make: a fifth of the calls of the last 10 seconds, and always 3 in those. Without it, an upstream that
 * fails under load would get twice the load. Ten slots of a second each; times are milliseconds.
 */
export class RetryBudget {
  readonly #calls = new Float64Array(SPAN_SECONDS);
  readonly #retries = new Float64Array(SPAN_SECONDS);
  #allCalls = 0;
  #allRetries = 0;
  /** The newest second that has a slot. */
  #second = 0;

  /** A call has its first attempt. */
  call(nowMs: number): void {
    this.#calls[this.#slot(nowMs)]! += 1;
    this.#allCalls += 1;
  }

  /** Takes one further attempt; false where there is none left. */
  take(nowMs: number): boolean {
    const slot = this.#slot(nowMs);
    if (this.#allRetries >= ALWAYS && this.#allRetries + 1 > SHARE * this.#allCalls) return false;
    this.#retries[slot]! += 1;
    this.#allRetries += 1;
    return true;
  }

  /** The slot of this second; what is older than the span is let go of. */
  #slot(nowMs: number): number {
    const second = Math.max(this.#second, Math.floor(nowMs / 1000));
    for (let next = Math.max(this.#second + 1, second - SPAN_SECONDS + 1); next <= second; next++) {
      const slot = next % SPAN_SECONDS;
      this.#allCalls -= this.#calls[slot]!;
      this.#allRetries -= this.#retries[slot]!;
      this.#calls[slot] = 0;
      this.#retries[slot] = 0;
    }
    this.#second = second;
    return second % SPAN_SECONDS;
  }
}
