import { ByNames } from "../contract/by-names.ts";
import type { CounterCell } from "./cells.ts";
import type { Definer } from "./definer.ts";
import { type Names, OTHER } from "./served.ts";

/** Most names with their own series. Most names come from the tables, but clients can invent names of flags, and a series stays. */
const MOST_NAMES = 100;

/** Counts members and flags that were left out of requests because the model does not take them. */
export class DroppedMetrics {
  readonly #dropped;
  readonly #seen = new Set<string>();
  #cells = new ByNames<CounterCell>();
  #names: Names | undefined;

  constructor(make: Definer) {
    this.#dropped = make.counter(
      "weir_dropped_total",
      "Requests that something was left out of, since their model does not take it ([fidelity.md](fidelity.md)). Their answers name it in `x-weir-dropped`.",
      ["model", "name"],
    );
  }

  /** See `UpstreamMetrics.keep`. */
  keep(names: Names): void {
    this.#names = names;
    this.#dropped.keep((labels) => names.have(labels));
    this.#cells = new ByNames();
  }

  count(model: string, name: string): void {
    const label = this.#seen.has(name) || this.#seen.size < MOST_NAMES ? name : OTHER;
    this.#seen.add(label);
    this.#cells.of(model, label, (one, other) => this.#dropped.cell(this.#names?.of("model", one) ?? one, other)).value += 1;
  }
}
