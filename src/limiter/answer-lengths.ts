/**
 * How long an answer will probably be: the part of a reservation beside the input. It is the 90th percentile of the recent answers of this workspace, upstream and
 * model, at least 256 tokens and at most what the client allows. It costs the same time and about 600 bytes, however many answers there were.
 *
 * The percentile is read from a histogram whose classes grow by 9 % (an eighth of a doubling), so it is up to 9 % too high. After each 256 answers all classes are
 * halved, so that old answers fade. docs/limits.md compares this choice with others.
 */

/** The least that is ever expected. Shorter answers are all in the first class. */
const LEAST = 256;
const CLASSES_PER_DOUBLING = 8;
/** Up to 2^21 tokens. */
const CLASSES = 13 * CLASSES_PER_DOUBLING + 1;
const PERCENTILE = 0.9;
const FADE_AFTER = 256;

/** The lengths of recent answers. Only whole answers are recorded: the length of one that was cut off says nothing. */
export class AnswerLengths {
  /** The number of answers by class. These are fractions: if whole numbers were halved, the few long answers would be lost first. */
  readonly #counts = new Float32Array(CLASSES);
  #total = 0;
  #sinceFade = 0;
  #percentile = LEAST;
  #known = true;

  record(tokens: number): void {
    const at = tokens <= LEAST ? 0 : Math.min(CLASSES - 1, Math.ceil(Math.log2(tokens / LEAST) * CLASSES_PER_DOUBLING));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total++;
    this.#known = false;
    if (++this.#sinceFade >= FADE_AFTER) this.#fade();
  }

  /** The expected tokens of an answer; at least 256. */
  percentile(): number {
    if (this.#known) return this.#percentile;
    // The number of answers that may be longer than the percentile.
    let above = this.#total * (1 - PERCENTILE);
    let at = CLASSES - 1;
    while (at > 0) {
      above -= this.#counts[at] ?? 0;
      if (above < -1e-3) break;
      at--;
    }
    this.#percentile = Math.ceil(LEAST * 2 ** (at / CLASSES_PER_DOUBLING));
    this.#known = true;
    return this.#percentile;
  }

  #fade(): void {
    this.#sinceFade = 0;
    this.#total = 0;
    for (let at = 0; at < CLASSES; at++) {
      const half = (this.#counts[at] ?? 0) / 2;
      this.#counts[at] = half;
      this.#total += half;
    }
  }
}

/**
 * Tokens to reserve for an answer.
 * @param maxTokens - The most tokens that the client allows; 0 where it does not say.
 * @param reserve - `max_tokens` reserves all that the client allows, where it says that.
 */
export function expectedTokens(lengths: Readonly<AnswerLengths>, maxTokens: number, reserve: "expected" | "max_tokens"): number {
  if (reserve === "max_tokens" && maxTokens > 0) return maxTokens;
  const expected = lengths.percentile();
  return maxTokens > 0 ? Math.min(maxTokens, expected) : expected;
}
