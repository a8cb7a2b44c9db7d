/** Different wrong tokens of one address without a wait: an old token in a script, some typing mistakes. */
const FREE = 10;
const FIRST_WAIT_MS = 1_000;
/** Not longer, because the right token from the same address has to wait too. */
const LONGEST_WAIT_MS = 10_000;
/** An address that has sent no wrong token for this time is forgotten. */
const FORGET_MS = 600_000;
const MOST_ADDRESSES = 1_000;

interface Guesser {
  /** Digests of its wrong tokens, `FREE` at most. */
  tokens: Set<string>;
  nextWaitMs: number;
  untilMs: number;
  lastMs: number;
}

/**
 * Slows down a client that tries one admin token after the other. After ten different wrong tokens each further one is followed by a wait, which doubles up to ten
 * seconds; meanwhile no token of that address is compared. A wrong token that is sent again is no new guess. Memory is bounded: the oldest address is forgotten
 * first.
 */
export class Guesses {
  readonly #nowMs: () => number;
  /** In the order of their last wrong token. */
  readonly #guessers = new Map<string, Guesser>();

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Milliseconds until a token of this address is compared; 0 is now. */
  waitMs(address: string): number {
    const guesser = this.#guessers.get(placeOf(address));
    return guesser === undefined ? 0 : Math.max(0, guesser.untilMs - this.#nowMs());
  }

  /** A token was wrong. */
  wrong(address: string, digest: string): void {
    const nowMs = this.#nowMs();
    const place = placeOf(address);
    const known = this.#guessers.get(place);
    const guesser =
      known === undefined || nowMs - known.lastMs > FORGET_MS
        ? { tokens: new Set<string>(), nextWaitMs: FIRST_WAIT_MS, untilMs: 0, lastMs: nowMs }
        : known;
    this.#guessers.delete(place);
    if (this.#guessers.size >= MOST_ADDRESSES) {
      const [oldest] = this.#guessers.keys();
      if (oldest !== undefined) this.#guessers.delete(oldest);
    }
    this.#guessers.set(place, guesser);
    guesser.lastMs = nowMs;
    if (guesser.tokens.has(digest)) return;
    if (guesser.tokens.size < FREE) {
      guesser.tokens.add(digest);
      return;
    }
    guesser.untilMs = nowMs + guesser.nextWaitMs;
    guesser.nextWaitMs = Math.min(LONGEST_WAIT_MS, guesser.nextWaitMs * 2);
  }
}

/** An IPv6 network of 64 bits belongs to one holder, who has all of its addresses. */
function placeOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::", 2);
  const groups = head.split(":").filter(Boolean);
  // Some of the zeros that `::` stands for may be in the first four groups.
  if (tail !== undefined) while (groups.length < 4) groups.push("0");
  return groups.slice(0, 4).join(":");
}
