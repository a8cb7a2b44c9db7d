import type { StoredKey } from "./store.ts";

export interface MissesOptions {
  /** Asks the store, past every cache. */
  find(sha256: string): Promise<StoredKey | undefined>;
  /** Questions a second that may reach the store, of the whole process. */
  perSecond?: number | undefined;
  nowMs?: (() => number) | undefined;
}

const PER_SECOND = 100;
/** Digests that are remembered as unknown. */
const MOST_UNKNOWN = 10_000;

/**
 * Looks for keys that the replica does not know. A key that was made elsewhere a moment ago is found by asking the store once. A key that does not exist is
 * remembered; a flood of such keys neither fills memory nor reaches the store more often than `perSecond`.
 */
export class Misses {
  readonly #options: MissesOptions;
  readonly #nowMs: () => number;
  readonly #perSecond: number;
  readonly #unknown = new Set<string>();
  readonly #asked = new Map<string, Promise<StoredKey | undefined>>();
  #left: number;
  #filledMs: number;

  constructor(options: MissesOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#perSecond = options.perSecond ?? PER_SECOND;
    this.#left = this.#perSecond;
    this.#filledMs = this.#nowMs();
  }

  /** Undefined at once where the key is known not to exist, or the store may not be asked now. Never rejects: where the store is away, no key is found. */
  ask(sha256: string): Promise<StoredKey | undefined> | undefined {
    const asked = this.#asked.get(sha256);
    if (asked !== undefined) return asked;
    if (this.#unknown.has(sha256) || !this.#mayAsk()) return undefined;
    const question = this.#options.find(sha256).then(
      (key) => {
        this.#asked.delete(sha256);
        if (key === undefined) this.#remember(sha256);
        return key;
      },
      () => {
        this.#asked.delete(sha256);
        return undefined;
      },
    );
    this.#asked.set(sha256, question);
    return question;
  }

  /** Something has changed: what was unknown may exist now. */
  forget(): void {
    this.#unknown.clear();
  }

  #remember(sha256: string): void {
    if (this.#unknown.size >= MOST_UNKNOWN) {
      const [oldest] = this.#unknown;
      if (oldest !== undefined) this.#unknown.delete(oldest);
    }
    this.#unknown.add(sha256);
  }

  #mayAsk(): boolean {
    const nowMs = this.#nowMs();
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#filledMs) / 1000) * this.#perSecond);
    this.#filledMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
