/**
 * How many tokens a body will probably weigh, from its length alone: bytes × the tokens per byte that this workspace and model had lately. For the
 * one-trip path (design §4, last paragraph): the guess is reserved where its bound fits, and the worker's estimate corrects it.
 */

/** English in JSON has about a quarter; before anything is learned, a little more is safer. */
const FIRST_RATIO = 0.3;
/** The first ratio weighs as much as so many bytes of experience. */
const FIRST_BYTES = 4000;
/** Beyond so many bytes older experience fades by half. */
const FADE_BYTES = 400_000;
const MOST_PAIRS = 10_000;

interface Experience {
  bytes: number;
  tokens: number;
}

export class InputGuess {
  readonly #pairs = new Map<string, Experience>();
  readonly #mostPairs: number;

  constructor(mostPairs = MOST_PAIRS) {
    this.#mostPairs = mostPairs;
  }

  /** @param bytes of the body, pictures and documents left out */
  tokens(workspace: string, model: string, bytes: number): number {
    const known = this.#pairs.get(`${workspace}\n${model}`);
    const ratio = known === undefined ? FIRST_RATIO : known.tokens / known.bytes;
    return Math.ceil(bytes * ratio);
  }

  /** A body of so many bytes weighed so many tokens. */
  learn(workspace: string, model: string, bytes: number, tokens: number): void {
    if (!(bytes > 0) || !(tokens >= 0)) return;
    const name = `${workspace}\n${model}`;
    let known = this.#pairs.get(name);
    if (known === undefined) {
      if (this.#pairs.size >= this.#mostPairs) {
        const [oldest] = this.#pairs.keys();
        if (oldest !== undefined) this.#pairs.delete(oldest);
      }
      known = { bytes: FIRST_BYTES, tokens: FIRST_BYTES * FIRST_RATIO };
      this.#pairs.set(name, known);
    }
    known.bytes += bytes;
    known.tokens += tokens;
    if (known.bytes > FADE_BYTES) {
      known.bytes /= 2;
      known.tokens /= 2;
    }
  }
}
