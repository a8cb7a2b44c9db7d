/**
 * What workers have learned from refusals, by target, as texts of the workers that the front does not read. A worker that begins later gets them at its
 * start, so that no worker has to be refused for what another one knows.
 */
import { LESSON_MS } from "../contract/messages.ts";

/** Most lessons of one target: as many as a worker learns of it. */
const MOST_OF_TARGET = 32;
/** Most lessons of all targets together. Beyond it the oldest one is forgotten, and a new worker may have to learn it again. */
const MOST = 1_024;
/** Most characters of a lesson that is kept. A longer one goes only to the workers that run. */
const LONGEST = 4_096;

export class Lessons {
  /** By target and text, the oldest first: the time until which each is good, by `performance.now()`. */
  readonly #lessons = new Map<number, Map<string, number>>();
  #count = 0;

  /**
   * Keeps a lesson. The last lesson of a target decides, so one that is learned again comes after the others.
   * @returns false where it was known.
   */
  keep(target: number, taught: string, nowMs: number = performance.now()): boolean {
    if (taught.length > LONGEST) return true;
    const known = this.#lessons.get(target) ?? new Map<string, number>();
    const untilMs = known.get(taught);
    if (untilMs !== undefined) this.#forget(target, known, taught);
    // Again at the end: the oldest target is the one that has taught nothing for the longest time.
    this.#lessons.delete(target);
    this.#lessons.set(target, known);
    known.set(taught, nowMs + LESSON_MS);
    this.#count += 1;
    if (known.size > MOST_OF_TARGET) this.#forgetOldest(target, known);
    if (this.#count > MOST) {
      const [oldest] = this.#lessons;
      if (oldest !== undefined) this.#forgetOldest(...oldest);
    }
    return untilMs === undefined || untilMs <= nowMs;
  }

  /** All lessons that are still good, in the order in which they are to be learned. */
  each(teach: (target: number, forMs: number, taught: string) => void, nowMs: number = performance.now()): void {
    for (const [target, known] of this.#lessons)
      for (const [taught, untilMs] of known) {
        if (untilMs > nowMs) teach(target, untilMs - nowMs, taught);
        else this.#forget(target, known, taught);
      }
  }

  /** Forgets the lessons of targets that are not in force any more. */
  keepOnly(targets: ReadonlySet<number>): void {
    for (const [target, known] of this.#lessons) {
      if (targets.has(target)) continue;
      this.#count -= known.size;
      this.#lessons.delete(target);
    }
  }

  #forgetOldest(target: number, known: Map<string, number>): void {
    const [oldest] = known.keys();
    if (oldest !== undefined) this.#forget(target, known, oldest);
  }

  #forget(target: number, known: Map<string, number>, taught: string): void {
    if (!known.delete(taught)) return;
    this.#count -= 1;
    if (known.size === 0) this.#lessons.delete(target);
  }
}
