/**
 * Adjustments on their way to a store that may be slow or away. For a few milliseconds, the adjustments of one pair of workspace and model are gathered into a batch,
 * which is one command. The batches of a pair are numbered, and sent one after the other; each is sent again until it is answered. The store remembers the number of
 * the last batch, so each batch counts once.
 *
 * The memory is bounded: a batch has one entry for each tick, at most 601; and a batch that is older than a window is dropped, because what it would give back has
 * left the window.
 */
import type { Adjustment } from "./store.ts";

/** The gathered adjustments of one pair. */
export interface Batch {
  readonly number: number;
  readonly sinceMs: number;
  /** Requests and tokens to add, by tick. */
  readonly changes: Map<number, [number, number]>;
  debt: number;
}

/** The batches of one pair: one gathers, one has been sent and not answered. */
interface Pending {
  gathering: Batch | undefined;
  sent: Batch | undefined;
  /** Resolves when the sent batch is answered or has failed; undefined while none is on its way. */
  flight: Promise<void> | undefined;
}

const RETRY_MS = 500;

export interface SettlementQueueOptions {
  gatherMs: number;
  /** How old a batch may become. */
  windowMs: number;
  /** Sends a batch. Rejects where it is not known whether the batch arrived. */
  send: (key: string, batch: Batch) => Promise<void>;
  /** Called when a batch is given up. */
  lost: (batch: Batch) => void;
}

export class SettlementQueue {
  readonly #options: SettlementQueueOptions;
  readonly #pairs = new Map<string, Pending>();
  #dirty = new Set<string>();
  #number = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SettlementQueueOptions) {
    this.#options = options;
  }

  /** The number of pairs with something that the store has not confirmed. */
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

  /** To be called when the store has answered: batches that have failed are sent again now. */
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

  /** Sends the batches of one pair; resolves when they were answered, or have failed. */
  async deliver(key: string): Promise<void> {
    // Behind a batch that is on its way, another one may have gathered: it is sent when the first is answered.
    for (let turn = 0; turn < 2; turn++) {
      const pending = this.#pairs.get(key);
      if (pending === undefined) return;
      await (pending.flight ?? this.#send(key, pending));
    }
  }

  /** Sends all batches; resolves when each was answered, or has failed. */
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
      // A batch that has failed waits for `resume` or for the retry, and the batch behind it waits too.
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
