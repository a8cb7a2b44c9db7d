import { createHash } from "node:crypto";

const LIFETIME_MS = 5 * 60_000;
const MOST_ENTRIES = 10_000;

/**
 * Remembers the beginnings of prompts. Unlike the clouds' caches it has no smallest size, so that a short test can use it.
 */
export class PromptCache {
  readonly #usedAt = new Map<string, number>();

  /** True where this prefix was used in the last five minutes; it is remembered from now on. */
  touch(prefix: string, now: number): boolean {
    const key = createHash("sha256").update(prefix).digest("base64");
    const usedAt = this.#usedAt.get(key);
    if (this.#usedAt.size >= MOST_ENTRIES) this.#usedAt.clear();
    this.#usedAt.set(key, now);
    return usedAt !== undefined && now - usedAt < LIFETIME_MS;
  }
}
