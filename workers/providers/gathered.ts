/** What the whole answers of a thread may hold together while they come. One alone may be a quarter of it. */
const MOST_BYTES = 256 * 1024 * 1024;

/** Whoever gathers an answer that nobody can have before its end. */
export interface Gatherer {
  readonly held: number;
  /** Lets go of all that it holds; the answer is lost. */
  giveUp(): void;
}

/**
 * The answers that are on their way to this thread, as far as they are kept. Their number is that of the open calls, and how large they are, and
 * how slowly they come, is their upstreams' choice. Beyond the bound the largest is given up: those that wait with it hold less, and are most
 * likely somebody else's.
 */
export class Gathered {
  readonly #most: number;
  readonly #all = new Set<Gatherer>();
  #bytes = 0;

  constructor(most: number = MOST_BYTES) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** @param bytes - That `one` has taken since it last said so. */
  grown(one: Gatherer, bytes: number): void {
    this.#all.add(one);
    this.#bytes += bytes;
    while (this.#bytes > this.#most) this.#largest(one).giveUp();
  }

  /** @param bytes - All that `one` held. */
  gone(one: Gatherer, bytes: number): void {
    if (this.#all.delete(one)) this.#bytes -= bytes;
  }

  #largest(first: Gatherer): Gatherer {
    let largest = first;
    for (const one of this.#all) if (one.held > largest.held) largest = one;
    return largest;
  }
}

/** Of this thread. */
export const gathered = new Gathered();
