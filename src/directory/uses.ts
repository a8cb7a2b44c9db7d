import type { DirectoryStore } from "./store.ts";

/** The times of uses are rounded down to this. */
const EVERY_MS = 3_600_000;

/** When keys were last used, by the hour: a key that is busy costs its store one record an hour. */
export class Uses {
  readonly #store: Pick<DirectoryStore, "touch">;
  /** Uses that the store does not have yet, by the key's id. */
  readonly #unsent = new Map<string, number>();

  constructor(store: Pick<DirectoryStore, "touch">) {
    this.#store = store;
  }

  isDue(lastUsedAtMs: number | undefined, nowMs: number): boolean {
    return nowMs - (lastUsedAtMs ?? 0) >= EVERY_MS;
  }

  /** The beginning of the hour. */
  hourOf(nowMs: number): number {
    return Math.floor(nowMs / EVERY_MS) * EVERY_MS;
  }

  note(id: string, hourMs: number): void {
    this.#unsent.set(id, hourMs);
  }

  /** Writes the uses to the store. Never rejects. */
  async flush(): Promise<void> {
    if (this.#unsent.size === 0) return;
    const unsent = new Map(this.#unsent);
    this.#unsent.clear();
    try {
      await this.#store.touch(unsent);
    } catch {
      // Kept for the next flush, unless the key has been used again.
      for (const [id, atMs] of unsent) if (!this.#unsent.has(id)) this.#unsent.set(id, atMs);
    }
  }
}
