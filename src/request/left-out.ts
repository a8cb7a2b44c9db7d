import type { Metrics } from "../metrics/metrics.ts";

/** Pairs of model and name that are remembered; beyond it all are told anew. */
const MOST_TOLD = 1_000;

/** What was left out of requests, since their models do not take it: counted, and told in the log the first time for each model and name. */
export class LeftOut {
  readonly #metrics: Pick<Metrics, "dropped">;
  readonly #onFirst: (model: string, name: string) => void;
  readonly #told = new Set<string>();

  /** @param onFirst - Told once for each model and name. */
  constructor(metrics: Pick<Metrics, "dropped">, onFirst: (model: string, name: string) => void) {
    this.#metrics = metrics;
    this.#onFirst = onFirst;
  }

  /** @param names - As a worker tells them: with a comma and a blank between them. */
  note(model: string, names: string): void {
    for (const name of names.split(", ")) {
      this.#metrics.dropped.count(model, name);
      const pair = `${model}\n${name}`;
      if (this.#told.has(pair)) continue;
      if (this.#told.size >= MOST_TOLD) this.#told.clear();
      this.#told.add(pair);
      this.#onFirst(model, name);
    }
  }
}
