/** A registry of prom-client: how its metrics are made, and how it is read. */
import type { Aggregator, Registry } from "prom-client";
import Gauge from "prom-client/lib/gauge.js";
import { CellCounter, CellHistogram } from "./cells.ts";

/** Upper bounds in seconds: from a tenth of a millisecond (Weir's own share) to the ten minutes that a model may think. */
const LATENCY_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

/** Upper bounds in seconds for times of an upstream: no cloud answers faster than the first. */
export const UPSTREAM_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

/** A metric as the documentation lists it. */
export interface Definition {
  name: string;
  type: string;
  labels: string[];
  help: string;
}

/** Makes the metrics of one registry, and keeps their definitions for the documentation. */
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

  /** @param aggregator - How the values of several processes become one (`merged.ts`). */
  gauge<L extends string>(name: string, help: string, labelNames: L[], aggregator: Aggregator = "sum"): Gauge<L> {
    this.definitions.push({ name, type: "gauge", labels: labelNames, help });
    return new Gauge({ name, help, labelNames, aggregator, registers: [this.#registry] });
  }

  histogram(name: string, help: string, labelNames: string[], buckets: number[] = LATENCY_BUCKETS): CellHistogram {
    this.definitions.push({ name, type: "histogram", labels: labelNames, help });
    return new CellHistogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}

/** The longest time that a scrape keeps the thread without a pause, unless one metric alone takes longer. */
const LONGEST_TURN_MS = 1;

/** The text of `registry.metrics()`, made with pauses between the metrics, in which calls are served. */
export async function metricsText(registry: Registry, longestTurnMs?: number): Promise<string> {
  return `${(await oneByOne(registry, (name) => registry.getSingleMetricAsString(name), longestTurnMs)).join("\n\n")}\n`;
}

/** The data of `registry.getMetricsAsJSON()`, made with the same pauses. */
export async function metricsData(registry: Registry, longestTurnMs?: number): Promise<object[]> {
  return await oneByOne(registry, async (name) => (await registry.getSingleMetric(name)?.get()) ?? {}, longestTurnMs);
}

async function oneByOne<Form>(
  registry: Registry,
  form: (name: string) => Promise<Form>,
  longestTurnMs: number = LONGEST_TURN_MS,
): Promise<Form[]> {
  const all: Form[] = [];
  let sinceMs = performance.now();
  for (const { name } of registry.getMetricsAsArray()) {
    all.push(await form(name));
    if (performance.now() - sinceMs < longestTurnMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sinceMs = performance.now();
  }
  return all;
}
