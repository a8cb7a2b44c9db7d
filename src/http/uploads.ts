/** What a client has sent at once, from here on: it is in the middle of a large body, and what follows waits for its turn. */
export const LARGE_READ_BYTES = 128 * 1024;
/** So many large reads of a body, of half a megabyte each, follow one another as fast as the others' turns let them. */
const QUICK_READS = 2;
/** Between the later ones there is time for everything else: bodies of megabytes come at some 300 MB a second, all together. */
const PAUSE_MS = 1;

/** A connection whose client is not read from until its turn comes. */
export interface Upload {
  readOn(): void;
}

/** Connections that are read from one after the other. */
class Line {
  readonly #waiting: Upload[] = [];
  readonly #schedule: (turn: () => void) => void;
  readonly #turn = (): void => {
    const next = this.#waiting.shift();
    if (this.#waiting.length > 0) this.#schedule(this.#turn);
    next?.readOn();
  };

  constructor(schedule: (turn: () => void) => void) {
    this.#schedule = schedule;
  }

  add(upload: Upload): void {
    this.#waiting.push(upload);
    if (this.#waiting.length === 1) this.#schedule(this.#turn);
  }
}

/**
 * Clients that send large bodies. A socket is read by half a megabyte, and to read all of them in one turn of the thread would make everybody else wait
 * for all of them; to read one of 32 MiB as fast as it comes would keep the thread busy with nothing else.
 */
class Uploads {
  readonly #quick = new Line(setImmediate);
  readonly #slow = new Line((turn) => void setTimeout(turn, PAUSE_MS));

  /** @param reads - How many large pieces of the body have come. */
  add(upload: Upload, reads: number): void {
    if (reads <= QUICK_READS) this.#quick.add(upload);
    else this.#slow.add(upload);
  }
}

/** The uploads of this thread. */
export const uploads = new Uploads();
