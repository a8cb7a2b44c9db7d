/**
 * Adjustments on their way to a store that may be slow or away: gathered for a few milliseconds into one batch per pair (one command, one hash
 * slot), numbered, sent one after the other per pair and again until answered. The store keeps the last number, so a batch counts once.
 *
 * Bounded: what waits for a pair is merged by tick, so at most 601 entries; and a batch older than a window is dropped, because what it would
 * give back has slid out.
 */
import type { Adjustment } from "./store.ts";

export interface Batch {
  readonly number: number;
  readonly sinceMs: number;
  /** tick → [requests, tokens] */
  readonly changes: Map<number, [number, number]>;
  debt: number;
}

interface Pending {
  gathering: Batch | undefined;
  sent: Batch | undefined;
  /** Settles when the batch that is on its way is answered or has failed. */
  flight: Promise<void> | undefined;
}

const RETRY_MS = 500;

export interface SettlementsOptions {
  gatherMs: number;
  /** How old a batch may grow. */
  windowMs: number;
  /** Rejects where it is not known whether the batch arrived. */
  send: (key: string, batch: Batch) => Promise<void>;
  /** A batch was given up. */
  lost: (batch: Batch) => void;
}

export class Settlements {
  readonly #options: SettlementsOptions;
  readonly #pairs = new Map<string, Pending>();
  #dirty = new Set<string>();
  #number = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** Pairs with something that the store has not confirmed. */
  get size(): number {
    return this.#pairs.size;
  }

  add({ key, tick, requests, tokens, debt }: Adjustment): void {
    let pending = this.#pairs.get(key);
    if (pending === undefined) {
      pending = { gathering: undefined, sent: undefined, flight: undefined };
      this.#pairs.set(key, pending);
    }
    pending.gathering ??= { number: ++this.#number, sinceMs: performance.now(), changes: new Map(), debt: 0 };
    const { gathering } = pending;
    gathering.debt += debt;
    if (requests !== 0 || tokens !== 0) {
      const change = gathering.changes.get(tick);
      if (change === undefined) gathering.changes.set(tick, [requests, tokens]);
      else {
        change[0] += requests;
        change[1] += tokens;
      }
    }
    this.#dirty.add(key);
    this.#timer ??= setTimeout(() => this.#sendDirty(), this.#options.gatherMs);
  }

  /** The store answers (again): what is stuck may go now. */
  resume(): void {
    if (this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    for (const [key, pending] of this.#pairs) if (pending.flight === undefined) this.#send(key, pending);
  }

  /** Whether a pair has something that the store has not confirmed. */
  has(key: string): boolean {
    return this.#pairs.has(key);
  }

  /** Sends what there is of one pair; resolves when it was answered, or has failed. */
  async deliver(key: string): Promise<void> {
    // More may have gathered behind a batch that is on its way; it goes when that batch is answered.
    for (let turn = 0; turn < 2; turn++) {
      const pending = this.#pairs.get(key);
      if (pending === undefined) return;
      await (pending.flight ?? this.#send(key, pending));
    }
  }

  /** Sends what there is; resolves when each pair was answered or has failed. */
  async flush(): Promise<void> {
    this.#sendDirty();
    for (let turn = 0; turn < 3; turn++) {
      const flights = [...this.#pairs].map(([key, pending]) => pending.flight ?? this.#send(key, pending));
      if (flights.length === 0) return;
      await Promise.all(flights);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#retryTimer);
    this.#pairs.clear();
  }

  #sendDirty(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const keys = this.#dirty;
    this.#dirty = new Set();
    for (const key of keys) {
      const pending = this.#pairs.get(key);
      // A batch that has failed waits for `resume` or the retry, with all that has gathered behind it.
      if (pending !== undefined && pending.flight === undefined && pending.sent === undefined) this.#send(key, pending);
    }
  }

  #send(key: string, pending: Pending): Promise<void> {
    const nowMs = performance.now();
    if (pending.sent !== undefined && nowMs - pending.sent.sinceMs > this.#options.windowMs) {
      this.#options.lost(pending.sent);
      pending.sent = undefined;
    }
    if (pending.sent === undefined) {
      pending.sent = pending.gathering;
      pending.gathering = undefined;
    }
    const batch = pending.sent;
    if (batch === undefined) {
      this.#pairs.delete(key);
      return Promise.resolve();
    }
    const flight = this.#options.send(key, batch).then(
      () => {
        pending.flight = undefined;
        pending.sent = undefined;
        if (pending.gathering === undefined) this.#pairs.delete(key);
        else if (!this.#dirty.has(key)) this.#send(key, pending);
      },
      () => {
        pending.flight = undefined;
        this.#retryTimer ??= setTimeout(() => this.resume(), RETRY_MS);
      },
    );
    pending.flight = flight;
    return flight;
  }
}
