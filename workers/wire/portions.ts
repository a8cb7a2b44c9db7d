import type { Buffer } from "node:buffer";
import { throwLater } from "../../src/contract/fault.ts";

/** What a call takes at once of what its socket has read. A model writes less between two turns; what sends more can wait for the others. */
export const PORTION_BYTES = 32 * 1024;

/** How long portions are taken in one turn of the thread; then everybody else has theirs. */
const TURN_MS = 1;

/** A call that has more than a portion. */
export interface Portioned {
  /** Takes one portion; false where no more is left. */
  takePortion(): boolean;
}

/**
 * Turns for those that were sent much at once. A socket is read by half a megabyte, and where many upstreams send as fast as they can, to read all of
 * them in one turn of the thread took half a second, in which every other stream stood still. So they take a portion each, one after the other, for as long
 * as a turn has time for it.
 */
export class Portions {
  readonly #waiting: Portioned[] = [];
  #isScheduled = false;
  readonly #turn = (): void => {
    this.#isScheduled = false;
    const untilMs = performance.now() + TURN_MS;
    do this.#takeOne();
    while (this.#waiting.length > 0 && performance.now() < untilMs);
    if (this.#waiting.length > 0) this.#schedule();
  };

  add(one: Portioned): void {
    this.#waiting.push(one);
    this.#schedule();
  }

  #takeOne(): void {
    const one = this.#waiting.shift();
    try {
      if (one?.takePortion()) this.#waiting.push(one);
    } catch (thrown) {
      throwLater(thrown);
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }
}

/** The first portion of what was read, and the rest of it. */
export function portionOf(bytes: Buffer): [portion: Buffer, rest: Buffer | undefined] {
  return bytes.length <= PORTION_BYTES ? [bytes, undefined] : [bytes.subarray(0, PORTION_BYTES), bytes.subarray(PORTION_BYTES)];
}
