const SPAN_SECONDS = 10;
/** Further attempts for each call. */
const SHARE = 0.2;
/** Further attempts that are always allowed: a fifth of few calls would be none. */
const ALWAYS = 3;

/**
 * How many further attempts the calls of one workspace may make in this process: in any 10 seconds a fifth of the calls of these seconds, and at least 3. Without
 * this bound, an upstream that fails under load would get twice the load. There are ten slots of one second each. All times are milliseconds.
 */
export class RetryBudget {
  readonly #slots = Array.from({ length: SPAN_SECONDS }, () => ({ calls: 0, retries: 0 }));
  #newest = { calls: 0, retries: 0 };
  #calls = 0;
  #retries = 0;
  /** The newest second that has a slot. */
  #second = -1;

  /** A call begins its first attempt. */
  call(nowMs: number): void {
    this.#advance(nowMs);
    this.#newest.calls += 1;
    this.#calls += 1;
  }

  /** Takes one further attempt; false where none is left. */
  take(nowMs: number): boolean {
    this.#advance(nowMs);
    if (this.#retries >= ALWAYS && this.#retries + 1 > SHARE * this.#calls) return false;
    this.#newest.retries += 1;
    this.#retries += 1;
    return true;
  }

  /** Gives this second a slot, and drops the counts that are older than the span. */
  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    for (let next = Math.max(this.#second + 1, second - SPAN_SECONDS + 1); next <= second; next++) {
      const slot = this.#slots[next % SPAN_SECONDS];
      if (slot === undefined) continue;
      this.#calls -= slot.calls;
      this.#retries -= slot.retries;
      slot.calls = 0;
      slot.retries = 0;
      this.#newest = slot;
    }
    this.#second = Math.max(this.#second, second);
  }
}

/** With more workspaces, the budget that was made first is dropped, and begins again at zero when it is next needed. A budget has some 600 bytes. */
const MOST_BUDGETS = 10_000;

/** One budget for each workspace: where the upstreams of one workspace always fail, by mistake or on purpose, the others still have their further attempts. */
export class RetryBudgets {
  readonly #budgets = new Map<string, RetryBudget>();
  readonly #most: number;

  constructor(most = MOST_BUDGETS) {
    this.#most = most;
  }

  get size(): number {
    return this.#budgets.size;
  }

  of(workspace: string): RetryBudget {
    const known = this.#budgets.get(workspace);
    if (known !== undefined) return known;
    if (this.#budgets.size >= this.#most) {
      const [oldest] = this.#budgets.keys();
      if (oldest !== undefined) this.#budgets.delete(oldest);
    }
    const fresh = new RetryBudget();
    this.#budgets.set(workspace, fresh);
    return fresh;
  }
}
