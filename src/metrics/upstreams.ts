import { ByNames } from "../contract/by-names.ts";
import type { CounterCell, HistogramCell } from "./cells.ts";
import type { KnownNames } from "./labels.ts";
import { type Definer, UPSTREAM_BUCKETS } from "./registry.ts";

export interface BreakerSample {
  upstream: string;
  model: string;
  /** 0 closed, 1 half open, 2 open. */
  state: number;
}

/** Times of an attempt, in milliseconds since its request was sent; 0 where no byte came. */
export interface AttemptTimes {
  firstByteMs: number;
  upstreamMs: number;
}

/** Cells that an attempt at one upstream for one model changes. */
interface TargetCells {
  outcomes: Map<string, CounterCell>;
  firstByte: HistogramCell;
  duration: HistogramCell;
}

/** Metrics of upstreams: attempts and their times, retries, breakers. */
export class UpstreamMetrics {
  readonly #attempts;
  readonly #retries;
  readonly #guarded;
  readonly #moves;
  readonly #breakers;
  readonly #firstByte;
  readonly #duration;
  /** Cells by upstream and model. */
  #targetCells = new ByNames<TargetCells>();
  #names: KnownNames | undefined;
  #breakerSamples: () => Iterable<BreakerSample> = () => [];

  constructor(make: Definer) {
    this.#attempts = make.counter(
      "weir_upstream_attempts_total",
      "Attempts at an upstream. A request that had to be sent again on a new connection counts twice. A call that a limit or a check of Weir refused is no attempt.",
      ["upstream", "model", "outcome"],
    );
    this.#retries = make.counter(
      "weir_upstream_retries_total",
      "Calls that were tried at this upstream after another target had failed, or after their worker was lost.",
      ["upstream"],
    );
    this.#guarded = make.counter(
      "weir_guardrail_interventions_total",
      "Answers that the cloud's own guardrail blocked or changed. Their header `x-weir-guardrail` and their access lines say so.",
      ["upstream", "model"],
    );
    this.#moves = make.counter(
      "weir_affinity_moves_total",
      "Calls that could not go to the target of their conversation, because it had failed or had as many calls as it may; by the upstream of that target.",
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
      "From sending a request to an upstream to the first byte of its answer; only of attempts that were answered.",
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

  /** Removes the series of names that a new configuration does not have. A call that is still running for such a name is counted under `other`. */
  keep(names: KnownNames): void {
    this.#names = names;
    for (const metric of [this.#attempts, this.#retries, this.#guarded, this.#moves, this.#firstByte, this.#duration])
      metric.keep((labels) => names.have(labels));
    // Some of these cells belong to series that were removed.
    this.#targetCells = new ByNames();
  }

  guarded(upstream: string, model: string): void {
    this.#guarded.cell(this.#named("upstream", upstream), this.#named("model", model)).value += 1;
  }

  /** Creates the series, so that they begin at zero. */
  declare(upstream: string, model: string, outcome: string): void {
    this.#attempts.cell(upstream, model, outcome);
    this.#retries.cell(upstream);
    this.#guarded.cell(upstream, model);
    this.#moves.cell(upstream);
    this.#firstByte.cell(upstream, model);
    this.#duration.cell(upstream, model);
  }

  /**
   * An attempt has ended.
   * @param outcome - `ok`, `cancelled` or a kind of failure.
   * @param sendings - How often the request was sent: more than once where a kept connection was found dead.
   * @param times - Undefined where no worker reported them.
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

  /** A call is tried at this upstream after another attempt failed. */
  retried(upstream: string): void {
    this.#retries.cell(this.#named("upstream", upstream)).value += 1;
  }

  /** A call could not go to the target of its conversation. @param upstream - The upstream of that target. */
  moved(upstream: string): void {
    this.#moves.cell(this.#named("upstream", upstream)).value += 1;
  }

  /** The states of breakers are read at each scrape. */
  sampleBreakers(samples: () => Iterable<BreakerSample>): void {
    this.#breakerSamples = samples;
  }

  /** To be called at each scrape. */
  sample(): void {
    this.#breakers.reset();
    for (const { upstream, model, state } of this.#breakerSamples()) this.#breakers.set({ upstream, model }, state);
  }

  #named(label: string, value: string): string {
    return this.#names?.of(label, value) ?? value;
  }
}
