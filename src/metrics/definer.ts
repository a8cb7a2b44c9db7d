import { type Aggregator, Gauge, type Registry } from "prom-client";
import { CellCounter, CellHistogram } from "./cells.ts";

/** Seconds. From a tenth of a millisecond (Weir's own share) to the ten minutes that a model may think. */
const LATENCY_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

/** Seconds, of what happens at an upstream: no cloud answers sooner. */
export const UPSTREAM_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

/** A metric, for the documentation. */
export interface Definition {
  name: string;
  type: string;
  labels: string[];
  help: string;
}

/** Makes the metrics of one registry, and keeps what the documentation is compared with. */
export class Definer {
  readonly definitions: Definition[] = [];
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  counter(name: string, help: string, labelNames: string[]): CellCounter {
    this.definitions.push({ name, type: "counter", labels: labelNames, help });
    return new CellCounter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** @param aggregator - What several processes make of it together (`merged.ts`). */
  gauge<L extends string>(name: string, help: string, labelNames: L[], aggregator: Aggregator = "sum"): Gauge<L> {
    this.definitions.push({ name, type: "gauge", labels: labelNames, help });
    return new Gauge({ name, help, labelNames, aggregator, registers: [this.#registry] });
  }

  histogram(name: string, help: string, labelNames: string[], buckets: number[] = LATENCY_BUCKETS): CellHistogram {
    this.definitions.push({ name, type: "histogram", labels: labelNames, help });
    return new CellHistogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}
