import { GatewayError } from "../src/contract/errors.ts";

/** Bytes that a call may keep uncounted: nearly every answer is smaller, and so is the part of an event that its reader waits for. */
export const UNCOUNTED_BYTES = 64 * 1024;
/** One upstream may hold this many times the bytes that are free: two thirds of all where it is the only one, less where there are more. So some bytes are always free. */
const GREED = 2;

/**
 * The bytes that a worker keeps of answers that are not whole yet. Each answer has its bound; this is the bound of all answers together, because an upstream
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

  /** A call to this upstream keeps `now` bytes instead of `before`. Returns false, and changes nothing, where that is too much. */
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
    message: "The unfinished answers of this model's service are too large together. Please try again.",
    log: `upstream "${upstream}": its answers that are not whole yet are more than may be held`,
  });
}
