import { ByNames } from "../contract/by-names.ts";
import type { CounterCell, HistogramCell } from "./cells.ts";
import { type Definer, UPSTREAM_BUCKETS } from "./definer.ts";
import type { Names } from "./served.ts";

export interface BreakerSample {
  upstream: string;
  model: string;
  /** 0 closed, 1 half open, 2 open. */
  state: number;
}

/** How long an attempt took, in milliseconds from the moment its request was sent; 0 where nothing came. */
export interface AttemptTimes {
  firstByteMs: number;
  upstreamMs: number;
}

/** What an attempt at one upstream for one model moves. */
interface TargetCells {
  outcomes: Map<string, CounterCell>;
  firstByte: HistogramCell;
  duration: HistogramCell;
}

/** What calls met at their upstreams: attempts and their times, retries, breakers. */
export class UpstreamMetrics {
  readonly #attempts;
  readonly #retries;
  readonly #guarded;
  readonly #moves;
  readonly #breakers;
  readonly #firstByte;
  readonly #duration;
  /** By upstream and model. */
  #targetCells = new ByNames<TargetCells>();
  #names: Names | undefined;
  #breakerSamples: () => Iterable<BreakerSample> = () => [];

  constructor(make: Definer) {
    this.#attempts = make.counter(
      "weir_upstream_attempts_total",
      "Calls put to an upstream: not those that a limit or a check of Weir refused.",
      ["upstream", "model", "outcome"],
    );
    this.#retries = make.counter("weir_upstream_retries_total", "Calls put to this upstream because another target had failed them.", [
      "upstream",
    ]);
    this.#guarded = make.counter(
      "weir_guardrail_interventions_total",
      "Answers that the cloud's own guardrail has blocked or changed. They say so in `x-weir-guardrail` and in their access lines.",
      ["upstream", "model"],
    );
    this.#moves = make.counter(
      "weir_affinity_moves_total",
      "Calls of conversations that began at another target than their own, since that one failed or had as many calls as it may; by the upstream of their own.",
      ["upstream"],
    );
    this.#breakers = make.gauge(
      "weir_upstream_breaker_state",
      "Circuit breaker of a target: 0 closed, 1 half open (being probed), 2 open (left out).",
      ["upstream", "model"],
      "max",
    );
    this.#firstByte = make.histogram(
      "weir_upstream_first_byte_seconds",
      "From sending a request to an upstream to the first byte of its answer, of attempts that were answered.",
      ["upstream", "model"],
      UPSTREAM_BUCKETS,
    );
    this.#duration = make.histogram(
      "weir_upstream_duration_seconds",
      "From sending a request to an upstream to the end of its answer, or of the attempt.",
      ["upstream", "model"],
      UPSTREAM_BUCKETS,
    );
  }

  /** Forgets the series of what a new configuration does not have; a call that outlives its model or upstream counts as that of `other`. */
  keep(names: Names): void {
    this.#names = names;
    for (const metric of [this.#attempts, this.#retries, this.#guarded, this.#moves, this.#firstByte, this.#duration])
      metric.keep((labels) => names.have(labels));
    // They are cells of series that are gone.
    this.#targetCells = new ByNames();
  }

  guarded(upstream: string, model: string): void {
    const names = this.#names;
    this.#guarded.cell(names?.of("upstream", upstream) ?? upstream, names?.of("model", model) ?? model).value += 1;
  }

  /** Lets the series exist from the start. */
  declare(upstream: string, model: string, outcome: string): void {
    this.#attempts.cell(upstream, model, outcome);
    this.#retries.cell(upstream);
    this.#guarded.cell(upstream, model);
    this.#moves.cell(upstream);
    this.#firstByte.cell(upstream, model);
    this.#duration.cell(upstream, model);
  }

  /**
   * An attempt has ended: with `ok`, `cancelled` or a kind of failure.
   * @param sendings - How often the request was sent: more than once where a connection had died before it was used.
   * @param times - Undefined where no worker could say.
   */
  attemptEnded(upstream: string, model: string, outcome: string, sendings: number, times: AttemptTimes | undefined): void {
    const { outcomes, firstByte, duration } = this.#targetCells.of(upstream, model, this.#makeCells);
    let cell = outcomes.get(outcome);
    if (cell === undefined) {
      cell = this.#attempts.cell(this.#named("upstream", upstream), this.#named("model", model), outcome);
      outcomes.set(outcome, cell);
    }
    cell.value += sendings;
    if (times === undefined || times.upstreamMs === 0) return;
    duration.observe(times.upstreamMs / 1000);
    if (outcome === "ok" && times.firstByteMs > 0) firstByte.observe(times.firstByteMs / 1000);
  }

  readonly #makeCells = (upstream: string, model: string): TargetCells => {
    const [where, what] = [this.#named("upstream", upstream), this.#named("model", model)];
    return { outcomes: new Map(), firstByte: this.#firstByte.cell(where, what), duration: this.#duration.cell(where, what) };
  };

  /** A call that another target has failed is put to this upstream. */
  retried(upstream: string): void {
    this.#retries.cell(this.#named("upstream", upstream)).value += 1;
  }

  /** A conversation's own target could not have its call. @param upstream - That target's. */
  moved(upstream: string): void {
    this.#moves.cell(this.#named("upstream", upstream)).value += 1;
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
