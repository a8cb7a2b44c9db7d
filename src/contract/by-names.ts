/**
 * Values by two names, without joining them into one key: names of a configuration keep their hashes, while a joined one is built and hashed
 * anew at each look-up, which on the way of every call adds up.
 */
export class ByNames<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Map<string, Value>>();
  #size = 0;

  /** Bounded: what goes beyond `most` entries forgets all of them, and they are made anew. */
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
