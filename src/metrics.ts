import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { ERROR_KINDS } from "./contract/errors.ts";
import type { Usage } from "./contract/usage.ts";

/** Seconds. From a tenth of a millisecond (Weir's own share) to the ten minutes that a model may think. */
const LATENCY_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
];

/** A call that has ended, as the metrics see it. Every string comes from a closed set. */
export interface CallRecord {
  route: string;
  workspace: string;
  /** From the catalogue, or `other`. */
  model: string;
  region: string;
  /** "" where the call never reached one. */
  upstream: string;
  /** `ok` or an error kind. */
  outcome: string;
  durationMs: number;
  /** Time to the first byte of the answer; undefined where there was none. */
  firstByteMs: number | undefined;
  /** Time spent in Weir, without waiting for upstream and client; undefined where it cannot be told. */
  overheadMs: number | undefined;
  usage: Usage | undefined;
  /** What this model's estimates are multiplied by; undefined where no worker had the call. */
  estimateFactor: number | undefined;
}

export interface WorkerSample {
  worker: number;
  calls: number;
  /** Orders not yet taken by the worker. */
  queued: number;
  lagMs: number;
}

/** The only owner of prom-client. Names and labels are those of `docs/metrics.md`, which a test compares with this file. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #definitions: { name: string; type: string; labels: string[] }[] = [];
  readonly #requests = this.#counter("weir_requests_total", "Calls that have ended, by outcome: ok, cancelled or the kind of failure.", [
    "route",
    "model",
    "region",
    "outcome",
  ]);
  readonly #inFlight = this.#gauge("weir_requests_in_flight", "Calls that are being answered.", ["route"]);
  readonly #duration = this.#histogram("weir_request_duration_seconds", "From the arrival of a call to the end of its answer.", [
    "route",
    "outcome",
  ]);
  readonly #overhead = this.#histogram(
    "weir_overhead_seconds",
    "Time spent in Weir itself: waiting for the upstream and for the client excluded.",
    ["route"],
  );
  readonly #firstByte = this.#histogram("weir_time_to_first_byte_seconds", "From the arrival of a call to the first byte of its answer.", [
    "route",
    "model",
  ]);
  readonly #chunkGap = this.#histogram("weir_chunk_gap_seconds", "Time between two pieces of a stream.", ["route"]);
  readonly #tokens = this.#counter("weir_tokens_total", "Tokens as the upstreams counted them.", ["workspace", "model", "direction"]);
  readonly #attempts = this.#counter("weir_upstream_attempts_total", "Calls put to an upstream, by outcome.", [
    "upstream",
    "model",
    "outcome",
  ]);
  readonly #estimates = this.#gauge(
    "weir_token_estimate_ratio",
    "Tokens that the upstream reports for one estimated token: what was learned of this model so far, by the worker that spoke last.",
    ["model"],
    "average",
  );
  readonly #debt = this.#counter("weir_token_debt_total", "Tokens of answers that were longer than what was reserved for them.", ["model"]);
  readonly #decisions = this.#counter("weir_limiter_decisions_total", "What the limiter said.", ["workspace", "model", "decision"]);
  readonly #limiterDuration = this.#histogram("weir_limiter_duration_seconds", "How long the limiter's store took.", ["operation"]);
  readonly #limiterState = this.#gauge("weir_limiter_state", "1 for the state that the limiter is in.", ["state"], "max");
  readonly #redisErrors = this.#counter("weir_redis_errors_total", "Failed calls to Redis.", ["kind"]);
  readonly #queue = this.#gauge("weir_worker_queue_depth", "Orders posted to a worker that it has not yet taken.", ["worker"]);
  readonly #streams = this.#gauge("weir_worker_streams", "Calls that a worker has open.", ["worker"]);
  readonly #lag = this.#gauge(
    "weir_worker_event_loop_lag_seconds",
    'How late a timer of this thread ran, at its last sample; "front" is the thread that listens.',
    ["worker"],
  );
  readonly #restarts = this.#counter("weir_worker_restarts_total", "Workers that died and were replaced.", []);
  readonly #keys = this.#gauge("weir_directory_keys", "API keys known, by where they are kept.", ["source"], "max");
  readonly #reloads = this.#counter("weir_config_reloads_total", "Configurations read while running.", ["result"]);
  readonly #build = this.#gauge("weir_build_info", "Always 1; its labels tell what is running.", ["version", "runtime"], "first");
  readonly #modelsDeclared = new Set<string>();
  readonly #gaps = new Map<string, { observe(value: number): void }>();
  #samples: () => WorkerSample[] = () => [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Lets every label value that can be known exist before the first request, so that a rate over it starts at zero. */
  declare(options: {
    version: string;
    runtime: string;
    routes: readonly string[];
    offers: Iterable<{ route: string; model: string; region: string; upstreams: readonly string[] }>;
    keys: number;
    redisErrors: readonly string[];
  }): void {
    this.#build.set({ version: options.version, runtime: options.runtime }, 1);
    this.#keys.set({ source: "config" }, options.keys);
    this.#restarts.inc(0);
    for (const result of ["applied", "refused"]) this.#reloads.inc({ result }, 0);
    for (const kind of options.redisErrors) this.#redisErrors.inc({ kind }, 0);
    for (const route of options.routes) {
      this.#inFlight.set({ route }, 0);
      this.#gaps.set(route, this.#chunkGap.labels(route));
    }
    this.declareOffers(options.offers);
  }

  /** As `declare`, of what a new configuration serves. */
  declareOffers(offers: Iterable<{ route: string; model: string; region: string; upstreams: readonly string[] }>): void {
    for (const { route, model, region, upstreams } of offers) {
      for (const outcome of ["ok", ...ERROR_KINDS.filter((kind) => kind.startsWith("upstream_"))]) {
        this.#requests.inc({ route, model, region, outcome }, 0);
        for (const upstream of upstreams) this.#attempts.inc({ upstream, model, outcome }, 0);
      }
      this.#debt.inc({ model }, 0);
      if (!this.#modelsDeclared.has(model)) this.#estimates.set({ model }, 1);
      this.#modelsDeclared.add(model);
    }
  }

  limiterDecided(workspace: string, model: string, decision: string): void {
    this.#decisions.inc({ workspace, model, decision });
  }

  limiterTook(operation: "reserve" | "settle", durationMs: number): void {
    this.#limiterDuration.observe({ operation }, durationMs / 1000);
  }

  /** @param states - All that there are. */
  limiterIs(state: string, states: readonly string[]): void {
    for (const name of states) this.#limiterState.set({ state: name }, name === state ? 1 : 0);
  }

  redisFailed(kind: string): void {
    this.#redisErrors.inc({ kind });
  }

  debtMade(model: string, tokens: number): void {
    this.#debt.inc({ model }, tokens);
  }

  configReloaded(result: "applied" | "refused"): void {
    this.#reloads.inc({ result });
  }

  /** Workers are sampled when somebody scrapes. */
  sampleWorkers(samples: () => WorkerSample[]): void {
    this.#samples = samples;
  }

  keysKnown(count: number): void {
    this.#keys.set({ source: "config" }, count);
  }

  callStarted(route: string): void {
    this.#inFlight.inc({ route });
  }

  callEnded(call: CallRecord): void {
    const { route, model, region, outcome } = call;
    this.#inFlight.dec({ route });
    this.#requests.inc({ route, model, region, outcome });
    this.#duration.observe({ route, outcome }, call.durationMs / 1000);
    if (call.upstream !== "") this.#attempts.inc({ upstream: call.upstream, model, outcome });
    if (call.firstByteMs !== undefined) this.#firstByte.observe({ route, model }, call.firstByteMs / 1000);
    if (call.overheadMs !== undefined) this.#overhead.observe({ route }, Math.max(0, call.overheadMs) / 1000);
    if (call.estimateFactor !== undefined && model !== "other") this.#estimates.set({ model }, call.estimateFactor);
    if (call.usage !== undefined) this.#countTokens(call.workspace, model, call.usage);
  }

  /** Where the pieces of a stream of this route are timed: kept by the stream, so that a piece costs no label look-up. */
  chunkGaps(route: string): { observe(value: number): void } {
    const known = this.#gaps.get(route) ?? this.#chunkGap.labels(route);
    this.#gaps.set(route, known);
    return known;
  }

  workerRestarted(): void {
    this.#restarts.inc();
  }

  frontLag(lagMs: number): void {
    this.#lag.set({ worker: "front" }, lagMs / 1000);
  }

  async render(): Promise<string> {
    this.#sample();
    return await this.#registry.metrics();
  }

  /** The same as data, for a supervisor that puts those of several processes together. */
  async snapshot(): Promise<object[]> {
    this.#sample();
    return await this.#registry.getMetricsAsJSON();
  }

  #sample(): void {
    for (const { worker, calls, queued, lagMs } of this.#samples()) {
      this.#queue.set({ worker }, queued);
      this.#streams.set({ worker }, calls);
      this.#lag.set({ worker }, lagMs / 1000);
    }
  }

  #countTokens(workspace: string, model: string, usage: Usage): void {
    if (usage.input > 0) this.#tokens.inc({ workspace, model, direction: "input" }, usage.input);
    if (usage.output > 0) this.#tokens.inc({ workspace, model, direction: "output" }, usage.output);
    if (usage.cacheRead > 0) this.#tokens.inc({ workspace, model, direction: "cache_read" }, usage.cacheRead);
    if (usage.cacheWrite > 0) this.#tokens.inc({ workspace, model, direction: "cache_write" }, usage.cacheWrite);
  }

  /** What there is, for the documentation. */
  definitions(): { name: string; type: string; labels: string[] }[] {
    return this.#definitions;
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    this.#definitions.push({ name, type: "counter", labels: labelNames });
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** @param aggregator - What several processes make of it together (`metrics/merged.ts`). */
  #gauge<L extends string>(name: string, help: string, labelNames: L[], aggregator: Aggregator = "sum"): Gauge<L> {
    this.#definitions.push({ name, type: "gauge", labels: labelNames });
    return new Gauge({ name, help, labelNames, aggregator, registers: [this.#registry] });
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> {
    this.#definitions.push({ name, type: "histogram", labels: labelNames });
    return new Histogram({ name, help, labelNames, buckets: LATENCY_BUCKETS, registers: [this.#registry] });
  }
}
