/** The store without Redis: windows in the memory of this process. It is for a single gateway, and for the policy `local` while Redis is away. */
import { Ring } from "./ring.ts";
import type { Adjustment, LimiterStore, StoreAnswer, StoreAsk } from "./store.ts";

export interface MemoryStoreOptions {
  /** Length of the windows: a minute. Only tests have shorter ones, with the same resolution of a 600th. */
  windowMs?: number | undefined;
  /** Microseconds since 1970. Only tests set it. */
  nowUs?: (() => number) | undefined;
}

/** Microseconds since 1970 by a clock that never steps back: a correction of the machine's clock does not move it. */
function monotonicUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

export class MemoryStore implements LimiterStore {
  readonly name = "memory";
  readonly #tickUs: number;
  readonly #nowUs: () => number;
  readonly #rings = new Map<string, Ring>();
  #sweepAtUs: number;

  constructor(options: MemoryStoreOptions = {}) {
    this.#tickUs = ((options.windowMs ?? 60_000) * 1000) / 600;
    this.#nowUs = options.nowUs ?? monotonicUs;
    this.#sweepAtUs = this.#nowUs();
  }

  /** The number of rings. Empty ones are dropped when a new one is made, at most once in the length of a window. */
  get size(): number {
    return this.#rings.size;
  }

  reserve(ask: StoreAsk): StoreAnswer {
    const nowUs = this.#nowUs();
    return this.#ring(ask.key, nowUs).reserve(ask, nowUs);
  }

  adjust(adjustment: Adjustment): void {
    const nowUs = this.#nowUs();
    this.#ring(adjustment.key, nowUs).adjust(adjustment, nowUs);
  }

  async flush(): Promise<void> {}

  async probe(): Promise<void> {}

  async close(): Promise<void> {
    this.#rings.clear();
  }

  #ring(key: string, nowUs: number): Ring {
    const known = this.#rings.get(key);
    if (known !== undefined) return known;
    if (nowUs >= this.#sweepAtUs) {
      this.#sweepAtUs = nowUs + this.#tickUs * 601;
      for (const [name, ring] of this.#rings) if (ring.isEmpty(nowUs)) this.#rings.delete(name);
    }
    const ring = new Ring(this.#tickUs, nowUs);
    this.#rings.set(key, ring);
    return ring;
  }
}
