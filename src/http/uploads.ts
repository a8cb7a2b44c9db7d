/** A client that has sent this many bytes at once is in the middle of a large body: before it is read from again, it waits for its turn. */
export const LARGE_READ_BYTES = 128 * 1024;
/** Large reads of one body (half a megabyte each) that wait only for the turns of other clients. */
const QUICK_READS = 2;
/** The pause before each later read, for all other work. Large bodies then come at about 300 MB a second, all of them together. */
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
 * Clients that send large bodies. One read of a socket is half a megabyte. If all of these sockets were read in one turn of the thread, all other clients
 * would wait for it; and a body of 32 MiB that is read as fast as it comes would keep the thread busy with nothing else.
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
