import type { Metrics } from "../metrics/metrics.ts";

/** Pairs of model and name that are remembered; when there are more, all are forgotten and logged anew. */
const MOST_SEEN = 1_000;

/** Names that were left out of requests because their models do not take them: counted, and logged the first time for each model and name. */
export class LeftOut {
  readonly #metrics: Pick<Metrics, "dropped">;
  readonly #onFirst: (model: string, name: string) => void;
  readonly #seen = new Set<string>();

  /** @param onFirst - Called once for each model and name. */
  constructor(metrics: Pick<Metrics, "dropped">, onFirst: (model: string, name: string) => void) {
    this.#metrics = metrics;
    this.#onFirst = onFirst;
  }

  /** @param names - The names as a worker reports them: with a comma and a blank between them. */
  note(model: string, names: string): void {
    for (const name of names.split(", ")) {
      this.#metrics.dropped.count(model, name);
      const pair = `${model}\n${name}`;
      if (this.#seen.has(pair)) continue;
      if (this.#seen.size >= MOST_SEEN) this.#seen.clear();
      this.#seen.add(pair);
      this.#onFirst(model, name);
    }
  }
}
