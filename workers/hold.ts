import { GatewayError } from "../src/contract/errors.ts";

/** Bytes that a call may keep uncounted: nearly every answer is smaller, and so is the part of an event that its reader waits for. */
export const UNCOUNTED_BYTES = 64 * 1024;
/** How many times what is still free one upstream may hold: of one alone two thirds, of many in the same measure less; something is always free. */
const GREED = 2;

/**
 * The bytes that a worker keeps of answers that are not whole yet. Each answer has a bound of its own; this is the one of all together, as an upstream
 * can begin any number of answers and end none. Source of the rule: Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches".
 */
export class Hold {
  /** Bytes that all answers together may hold. */
  mostBytes = Number.POSITIVE_INFINITY;
  #bytes = 0;
  readonly #shares = new Map<string, number>();

  get bytes(): number {
    return this.#bytes;
  }

  /** A call to this upstream keeps `now` bytes in place of `before`; false, and nothing has changed, where that is more than may be. */
  change(upstream: string, before: number, now: number): boolean {
    const more = now - before;
    const share = (this.#shares.get(upstream) ?? 0) + more;
    if (more > 0 && share > GREED * (this.mostBytes - this.#bytes - more)) return false;
    this.#bytes += more;
    if (share > 0) this.#shares.set(upstream, share);
    else this.#shares.delete(upstream);
    return true;
  }
}

/** The error of a call whose answer has no room. */
export function tooMuchHeld(upstream: string): GatewayError {
  return new GatewayError("overloaded", {
    message: "The answers of this model's service that are on their way are as large as they may be at a time. Please try again.",
    log: `upstream "${upstream}": its answers that are not whole yet are more than may be held`,
  });
}
