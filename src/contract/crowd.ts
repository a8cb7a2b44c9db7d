/** With fewer open calls a collection gains little: the calls hold less than the garbage that a heap has anyway. */
const FEWEST = 400;

const runtime = (globalThis as { Bun?: Pick<typeof Bun, "gc"> }).Bun;

/**
 * Collects garbage each time the number of open calls has doubled. The start of a call makes several times as much garbage as an open stream keeps, and the
 * runtime collects only after 64 MiB of it, which suits calls that end soon. So a crowd of streams costs a few collections while it grows, and calls that come
 * and go cost no collection. On Deno this does nothing.
 */
export class Crowd {
  readonly #collect: () => void;
  #mark = FEWEST;

  constructor(collect: () => void = () => runtime?.gc(true)) {
    this.#collect = collect;
  }

  /** To be called now and then with the number of open calls. */
  look(open: number): void {
    if (open >= 2 * this.#mark) {
      this.#mark = open;
      this.#collect();
    } else if (open < this.#mark / 4) this.#mark = Math.max(FEWEST, open);
  }
}
