/** What one party may have done in a turn of this thread while others wait for theirs: about what twenty small calls take. */
const SHARE_MS = 0.5;

interface Party {
  /** Of what it was given: more than one share where a piece of work took longer. */
  usedMs: number;
  readonly waiting: (() => void)[];
}

/**
 * Work of this thread that somebody outside can ask for as often as he likes, and that takes longer than to read his request: each party, a workspace
 * for instance, has a share of every turn, and what it asks for beyond that waits until the others have had theirs. A thread that has nothing else to do
 * takes one turn after the other, so that nobody is slower for it.
 */
export class Turns {
  /** Those that have used something of their share, in the order of their turns. */
  readonly #parties = new Map<string, Party>();
  #isDue = false;

  /** Does it now, or in a turn that comes. What the work throws is its own matter: it has to be caught there. */
  run(who: string, work: () => void): void {
    let party = this.#parties.get(who);
    if (party === undefined) {
      party = { usedMs: 0, waiting: [] };
      this.#parties.set(who, party);
    }
    if (party.waiting.length > 0 || party.usedMs >= SHARE_MS) party.waiting.push(work);
    else this.#do(party, work);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#turn);
  }

  #do(party: Party, work: () => void): void {
    const startedMs = performance.now();
    try {
      work();
    } finally {
      party.usedMs += performance.now() - startedMs;
    }
  }

  /** All of them together have one share of what waits, beginning with the one after the last. */
  readonly #turn = (): void => {
    this.#isDue = false;
    let leftMs = SHARE_MS;
    for (const [who, party] of [...this.#parties]) {
      party.usedMs = Math.max(0, party.usedMs - SHARE_MS);
      if (leftMs > 0 && party.waiting.length > 0) {
        // To the end of the line.
        this.#parties.delete(who);
        this.#parties.set(who, party);
      }
      while (leftMs > 0 && party.usedMs < SHARE_MS) {
        const work = party.waiting.shift();
        if (work === undefined) break;
        const beforeMs = party.usedMs;
        this.#do(party, work);
        leftMs -= party.usedMs - beforeMs;
      }
      if (party.waiting.length === 0 && party.usedMs === 0) this.#parties.delete(who);
    }
    if (this.#parties.size === 0) return;
    this.#isDue = true;
    setImmediate(this.#turn);
  };
}
