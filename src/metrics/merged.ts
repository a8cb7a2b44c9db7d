import AggregatorRegistry from "prom-client/lib/cluster.js";
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import Registry from "prom-client/lib/registry.js";
import type { Definition } from "./registry.ts";

/** A registry as data (`Metrics.snapshot`). */
export type Snapshot = readonly MetricSnapshot[];

interface MetricSnapshot {
  name: string;
  help: string;
  type: string;
  /** How the values of several processes become one. */
  aggregator: string;
  values: readonly { labels: Record<string, string | number>; value: number; metricName?: string }[];
}

const RESTARTS = "Gateway processes that ended and were replaced. Only with several `processes`.";
const LISTENING = "Gateway processes that listen. Only with several `processes`.";

/**
 * The metrics of several processes as one. Counters and histograms are added up; each gauge says how its values become one. The last counts of a process stay in
 * the sum after the process has ended, because Prometheus would take a counter that falls for one that began again.
 */
export class MergedMetrics {
  readonly #own = new Registry();
  readonly #restarts = new Counter({
    name: "weir_process_restarts_total",
    help: RESTARTS,
    registers: [this.#own],
  });
  readonly #listening = new Gauge({
    name: "weir_processes",
    help: LISTENING,
    registers: [this.#own],
  });
  readonly #latest = new Map<number, Snapshot>();
  #past: Promise<Snapshot> = Promise.resolve([]);

  get contentType(): string {
    return this.#own.contentType;
  }

  restarted(): void {
    this.#restarts.inc();
  }

  listening(processes: number): void {
    this.#listening.set(processes);
  }

  /** Takes the current values of a process. */
  take(process: number, snapshot: Snapshot): void {
    this.#latest.set(
      process,
      snapshot.map((metric) => readable(metric, process)),
    );
  }

  /** The process has ended; another process may get its number. */
  gone(process: number): void {
    const last = this.#latest.get(process)?.filter(({ type }) => type === "counter" || type === "histogram");
    this.#latest.delete(process);
    if (last !== undefined) this.#past = this.#past.then((past) => added([past, last]));
  }

  async render(): Promise<string> {
    for (;;) {
      const asked = this.#past;
      const past = await asked;
      // A process has ended while this waited: it is not in `latest` any more, and not yet in this `past`.
      if (asked !== this.#past) continue;
      const latest = [...this.#latest.values()];
      const merged = AggregatorRegistry.aggregate([withoutRemoved(past, latest), ...latest]);
      return `${await this.#own.metrics()}${await merged.metrics()}`;
    }
  }

  /** Definitions of the metrics that one process alone does not have, for the documentation. */
  definitions(): readonly Definition[] {
    return [
      { name: "weir_processes", type: "gauge", labels: [], help: LISTENING },
      { name: "weir_process_restarts_total", type: "counter", labels: [], help: RESTARTS },
    ];
  }
}

/** Labels whose values can disappear with a new configuration. */
const NAMED = ["workspace", "model", "region", "upstream"];

/** The counts of ended processes, without the series of names that no running process has. */
function withoutRemoved(past: Snapshot, latest: readonly Snapshot[]): Snapshot {
  if (latest.length === 0) return past;
  const named = (label: string, value: string | number | undefined) => `${label} ${value}`;
  const inForce = new Set<string>();
  for (const { values } of latest.flat())
    for (const { labels } of values) for (const label of NAMED) if (label in labels) inForce.add(named(label, labels[label]));
  const isInForce = ({ labels }: MetricSnapshot["values"][number]) =>
    NAMED.every((label) => !(label in labels) || inForce.has(named(label, labels[label])));
  return past.map((metric) => ({ ...metric, values: metric.values.filter(isInForce) }));
}

async function added(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  const sum: object[] = await AggregatorRegistry.aggregate([...snapshots]).getMetricsAsJSON();
  return sum as MetricSnapshot[];
}

/** Workers are numbered from 0 in every process: `1.0` is the first worker of process 1. JSON has no NaN, the value of a gauge without a sample. */
function readable(metric: MetricSnapshot, process: number): MetricSnapshot {
  const values = metric.values
    .filter(({ value }) => typeof value === "number")
    .map((entry) => {
      const { worker } = entry.labels;
      return worker === undefined ? entry : { ...entry, labels: { ...entry.labels, worker: `${process}.${worker}` } };
    });
  return { ...metric, values };
}
