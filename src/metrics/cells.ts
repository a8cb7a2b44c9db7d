/**
 * Counters and histograms of prom-client whose labels are looked up once: code that runs for every call keeps a cell and adds to it. prom-client itself checks and
 * hashes the labels at every observation; for the eight labels of a call this cost as much as all other bookkeeping of the call.
 */
import type { CounterConfiguration, HistogramConfiguration } from "prom-client";
import Counter from "prom-client/lib/counter.js";
import Histogram from "prom-client/lib/histogram.js";

/** One value of a counter. */
export interface CounterCell {
  value: number;
}

/** Whether a series is to be kept, by its labels. */
export type IsKept = (labels: Readonly<Record<string, string>>) => boolean;

interface Labelled<Cell> {
  labels: Record<string, string>;
  cell: Cell;
}

/** Cells by their label values, in the order of the label names. */
class Cells<Cell> {
  readonly #names: readonly string[];
  readonly #make: () => Cell;
  readonly #known = new Map<string, Labelled<Cell>>();

  constructor(names: readonly string[], make: () => Cell) {
    this.#names = names;
    this.#make = make;
  }

  of(values: readonly string[]): Cell {
    const key = values.join("\n");
    let known = this.#known.get(key);
    if (known === undefined) {
      const labels = Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ""]));
      known = { labels, cell: this.#make() };
      this.#known.set(key, known);
    }
    return known.cell;
  }

  keep(isKept: IsKept): void {
    for (const [key, { labels }] of this.#known) if (!isKept(labels)) this.#known.delete(key);
  }

  all(): Iterable<Labelled<Cell>> {
    return this.#known.values();
  }
}

export class CellCounter extends Counter<string> {
  readonly #cells: Cells<CounterCell>;

  constructor(configuration: CounterConfiguration<string>) {
    super(configuration);
    this.#cells = new Cells(configuration.labelNames ?? [], () => ({ value: 0 }));
  }

  /** The cell for these label values; the series exists from now on. */
  cell(...values: string[]): CounterCell {
    return this.#cells.of(values);
  }

  /** Removes the series that `isKept` does not want. A cell of a removed series can still be used, without an effect. */
  keep(isKept: IsKept): void {
    this.#cells.keep(isKept);
  }

  override async get() {
    return { ...(await super.get()), values: Array.from(this.#cells.all(), ({ labels, cell }) => ({ labels, value: cell.value })) };
  }
}

/** Observations of one set of label values. */
export class HistogramCell {
  readonly #bounds: readonly number[];
  /** Observations of each bucket alone; the last bucket has no upper bound. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at++;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sum += value;
  }
}

export class CellHistogram extends Histogram<string> {
  readonly #configuration: { name: string; help: string };
  readonly #bounds: readonly number[];
  readonly #cells: Cells<HistogramCell>;

  constructor(configuration: HistogramConfiguration<string> & { buckets: number[] }) {
    super(configuration);
    this.#configuration = configuration;
    this.#bounds = configuration.buckets;
    this.#cells = new Cells(configuration.labelNames ?? [], () => new HistogramCell(this.#bounds));
  }

  /** The cell for these label values; the series exists from now on. */
  cell(...values: string[]): HistogramCell {
    return this.#cells.of(values);
  }

  /** As `CellCounter.keep`. */
  keep(isKept: IsKept): void {
    this.#cells.keep(isKept);
  }

  /** The data from which prom-client makes both of its formats. */
  async getForPromString() {
    const { name, help } = this.#configuration;
    return { name, help, type: "histogram", aggregator: "sum", values: Array.from(this.#cells.all(), (one) => this.#values(one)).flat() };
  }

  #values({ labels, cell }: Labelled<HistogramCell>) {
    const { name } = this.#configuration;
    let count = 0;
    const buckets = cell.counts.map((here, at) => {
      count += here;
      return { metricName: `${name}_bucket`, sharedLabels: labels, labels: { le: this.#bounds[at] ?? "+Inf" }, value: count };
    });
    const whole = (part: string, value: number) => ({ metricName: `${name}_${part}`, sharedLabels: labels, labels: {}, value });
    return [...buckets, whole("sum", cell.sum), whole("count", count)];
  }
}
