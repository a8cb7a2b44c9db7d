import { ByNames } from "../contract/by-names.ts";
import type { CounterCell } from "./cells.ts";
import { type KnownNames, OTHER } from "./labels.ts";
import type { Definer } from "./registry.ts";

/** The most names with series of their own. Most names come from the tables of models, but a client can invent names of flags, and a series stays. */
const MOST_NAMES = 100;
/** The most pairs of model and name that are remembered as reported. With more, all are forgotten, and each is reported again. */
const MOST_REPORTED = 1_000;

/** Counts the fields and flags that were left out of requests because the model does not take them, and reports each the first time. */
export class DroppedMetrics {
  readonly #dropped;
  readonly #own = new Set<string>();
  readonly #reported = new Set<string>();
  #cells = new ByNames<CounterCell>();
  #names: KnownNames | undefined;
  #onFirst: (model: string, name: string) => void = () => {};

  constructor(make: Definer) {
    this.#dropped = make.counter(
      "weir_dropped_total",
      "Requests of which this field or flag was left out, because the model does not take it ([fidelity.md](fidelity.md)). The answers name it in `x-weir-dropped`.",
      ["model", "name"],
    );
  }

  /** See `UpstreamMetrics.keep`. */
  keep(names: KnownNames): void {
    this.#names = names;
    this.#dropped.keep((labels) => names.have(labels));
    this.#cells = new ByNames();
  }

  /** @param onFirst - Called the first time that a name is left out for a model. */
  reportFirst(onFirst: (model: string, name: string) => void): void {
    this.#onFirst = onFirst;
  }

  /** @param names - As a worker reports them: with a comma and a blank between two names. */
  note(model: string, names: string): void {
    for (const name of names.split(", ")) {
      this.#count(model, name);
      const pair = `${model}\n${name}`;
      if (this.#reported.has(pair)) continue;
      if (this.#reported.size >= MOST_REPORTED) this.#reported.clear();
      this.#reported.add(pair);
      this.#onFirst(model, name);
    }
  }

  #count(model: string, name: string): void {
    const label = this.#own.has(name) || this.#own.size < MOST_NAMES ? name : OTHER;
    this.#own.add(label);
    this.#cells.of(model, label, this.#makeCell).value += 1;
  }

  readonly #makeCell = (model: string, name: string): CounterCell => this.#dropped.cell(this.#names?.of("model", model) ?? model, name);
}
