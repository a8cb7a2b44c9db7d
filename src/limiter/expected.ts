/**
 * How long an answer will probably be: what a reservation adds to the input (design §4.3). The larger of 256 and the 90th percentile of the recent
 * answers of this workspace, upstream and model, at most what the client allows. O(1) and about 600 bytes, however many answers.
 *
 * The percentile is read from a histogram whose classes grow by 9 % (an eighth of a doubling), so it errs upwards by up to 9 %; after each
 * 256 answers all classes are halved, so that old answers fade. docs/limits.md says what this choice costs beside others.
 */

/** Below this nothing is distinguished: it is the least that is ever expected. */
const LEAST = 256;
const CLASSES_PER_DOUBLING = 8;
/** Up to 2^21 tokens. */
const CLASSES = 13 * CLASSES_PER_DOUBLING + 1;
const PERCENTILE = 0.9;
const FADE_AFTER = 256;

/** Recent lengths; only whole answers teach: one that was cut off says nothing. */
export class AnswerLengths {
  /** Fractions, because halving whole numbers would lose the thinly spread long answers first. */
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

  /** Expected tokens of an answer; at least 256. */
  percentile(): number {
    if (this.#known) return this.#percentile;
    // How many answers may be longer.
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
 * @param lengths of recent answers
 * @param maxTokens the client's own bound, 0 without one
 * @param reserve `max_tokens` takes the whole of the client's bound, where it gave one
 */
export function expectedTokens(lengths: Readonly<AnswerLengths>, maxTokens: number, reserve: "expected" | "max_tokens"): number {
  if (reserve === "max_tokens" && maxTokens > 0) return maxTokens;
  const expected = lengths.percentile();
  return maxTokens > 0 ? Math.min(maxTokens, expected) : expected;
}
