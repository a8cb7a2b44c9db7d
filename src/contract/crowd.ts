/** So few open calls hold less than what a heap throws away between two collections by itself. */
const FEWEST = 400;

const runtime = (globalThis as { Bun?: Pick<typeof Bun, "gc"> }).Bun;

/**
 * Collects garbage when twice as many calls are open as at the last time. What beginning a call throws away is several times what an open stream keeps, and the
 * runtime collects it only after 64 MiB, which suits calls that are over soon. So a crowd of streams costs a few collections while it grows, and calls that come
 * and go cost none. Deno is left to itself.
 */
export class Crowd {
  readonly #collect: () => void;
  #mark = FEWEST;

  constructor(collect: () => void = () => runtime?.gc(true)) {
    this.#collect = collect;
  }

  /** To be told now and then how many calls are open. */
  look(open: number): void {
    if (open >= 2 * this.#mark) {
      this.#mark = open;
      this.#collect();
    } else if (open < this.#mark / 4) this.#mark = Math.max(FEWEST, open);
  }
}
