import type { Buffer } from "node:buffer";

/** Bytes that a call takes at once from its socket. A model writes less between two turns; an upstream that sends more waits for the other calls. */
export const PORTION_BYTES = 32 * 1024;

/** Time for portions in one turn of the thread; then other work has its turn. */
const TURN_MS = 1;

/** A call that has more than a portion. */
export interface Portioned {
  /** Takes one portion; false where no more is left. */
  takePortion(): boolean;
  /** Its `takePortion` threw an exception: the call fails, and the others go on. */
  fault(thrown: unknown): void;
}

/**
 * Turns for calls whose upstreams sent much at once. One read of a socket is half a megabyte. Where many upstreams sent as fast as they could, all these reads
 * together took half a second of one turn of the thread, and every other stream waited. So each call takes one portion, then the next call does, for as
 * long as a turn has time for it.
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
    if (one === undefined) return;
    try {
      if (one.takePortion()) this.#waiting.push(one);
    } catch (thrown) {
      one.fault(thrown);
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
