/**
 * Values that are found by two names. The names are not joined into one key: a joined key would be built and hashed at each look-up, which costs too much
 * on the way of every call. The strings of a configuration keep their hashes.
 */
export class ByNames<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Map<string, Value>>();
  #size = 0;

  /** @param most - Entries that are kept at most. One more entry makes this forget all others; they are made again when they are asked for. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  /** The value of these names; where there is no value yet, `make` creates it. */
  of(first: string, second: string, make: (first: string, second: string) => Value): Value {
    let value = this.#values.get(first)?.get(second);
    if (value === undefined) {
      value = make(first, second);
      this.#set(first, second, value);
    }
    return value;
  }

  #set(first: string, second: string, value: Value): void {
    if (this.#size >= this.#most) {
      this.#values.clear();
      this.#size = 0;
    }
    let under = this.#values.get(first);
    if (under === undefined) {
      under = new Map();
      this.#values.set(first, under);
    }
    if (!under.has(second)) this.#size += 1;
    under.set(second, value);
  }
}
