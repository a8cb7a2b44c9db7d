import { ByNames } from "../contract/by-names.ts";
import type { CounterCell } from "./cells.ts";
import type { Definer } from "./definer.ts";
import type { Names } from "./served.ts";

export interface BreakerSample {
  upstream: string;
  model: string;
  /** 0 closed, 1 half open, 2 open. */
  state: number;
}

const noCells = () => new Map<string, CounterCell>();

/** What calls met at their upstreams: attempts, retries, breakers. */
export class UpstreamMetrics {
  readonly #attempts;
  readonly #retries;
  readonly #breakers;
  /** By upstream and model, then by outcome. */
  #attemptCells = new ByNames<Map<string, CounterCell>>();
  #names: Names | undefined;
  #breakerSamples: () => Iterable<BreakerSample> = () => [];

  constructor(make: Definer) {
    this.#attempts = make.counter("weir_upstream_attempts_total", "Calls put to an upstream, by outcome.", [
      "upstream",
      "model",
      "outcome",
    ]);
    this.#retries = make.counter("weir_upstream_retries_total", "Calls put to this upstream because another target had failed them.", [
      "upstream",
    ]);
    this.#breakers = make.gauge(
      "weir_upstream_breaker_state",
      "Circuit breaker of a target: 0 closed, 1 half open (being probed), 2 open (left out).",
      ["upstream", "model"],
      "max",
    );
  }

  /** Forgets the series of what a new configuration does not have; a call that outlives its model or upstream counts as that of `other`. */
  keep(names: Names): void {
    this.#names = names;
    for (const metric of [this.#attempts, this.#retries]) metric.keep((labels) => names.have(labels));
    // They are cells of series that are gone.
    this.#attemptCells = new ByNames();
  }

  /** Lets the series exist from the start. */
  declare(upstream: string, model: string, outcome: string): void {
    this.#attempts.cell(upstream, model, outcome);
    this.#retries.cell(upstream);
  }

  /**
   * An attempt has ended: with `ok`, `cancelled` or a kind of failure.
   * @param sendings - How often the request was sent: more than once where a connection had died before it was used.
   */
  attemptEnded(upstream: string, model: string, outcome: string, sendings: number): void {
    const cells = this.#attemptCells.of(upstream, model, noCells);
    let cell = cells.get(outcome);
    if (cell === undefined) {
      cell = this.#attempts.cell(this.#named("upstream", upstream), this.#named("model", model), outcome);
      cells.set(outcome, cell);
    }
    cell.value += sendings;
  }

  /** A call that another target has failed is put to this upstream. */
  retried(upstream: string): void {
    this.#retries.cell(this.#named("upstream", upstream)).value += 1;
  }

  /** Breakers are asked for when somebody scrapes. */
  sampleBreakers(samples: () => Iterable<BreakerSample>): void {
    this.#breakerSamples = samples;
  }

  /** Somebody scrapes. */
  sample(): void {
    this.#breakers.reset();
    for (const { upstream, model, state } of this.#breakerSamples()) this.#breakers.set({ upstream, model }, state);
  }

  #named(label: string, value: string): string {
    return this.#names?.of(label, value) ?? value;
  }
}
