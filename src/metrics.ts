import { type Aggregator, Gauge, Registry } from "prom-client";
import { ByNames } from "./contract/by-names.ts";
import { ERROR_KINDS } from "./contract/errors.ts";
import type { Usage } from "./contract/usage.ts";
import type { CallCells, TokenCells } from "./metrics/call-cells.ts";
import { CellCounter, CellHistogram, type CounterCell } from "./metrics/cells.ts";
import { collectProcessMetrics } from "./metrics/process.ts";
import { metricsData, metricsText } from "./metrics/scrape.ts";

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

const noCells = <Cell>() => new Map<string, Cell>();
const noPaths = () => new ByNames<Map<string, CallCells>>();

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
    "Tokens that the upstream reports for one estimated token: what was learned of this model so far, for the workspace and upstream of the last call.",
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
  readonly #openCalls = new Map<string, { count: number }>();
  readonly #factors = new Map<string, number>();
  /** By upstream and model, then by route and region, then by outcome. */
  readonly #callCells = new ByNames<ByNames<Map<string, CallCells>>>();
  /** By workspace and model. */
  readonly #tokenCells = new ByNames<TokenCells>();
  /** By workspace and model, then by decision. */
  readonly #decisionCells = new ByNames<Map<string, CounterCell>>();
  readonly #reserveTime = this.#limiterDuration.cell("reserve");
  readonly #settleTime = this.#limiterDuration.cell("settle");
  #samples: () => WorkerSample[] = () => [];

  constructor() {
    collectProcessMetrics(this.#registry);
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
    redisErrors: readonly string[];
  }): void {
    this.#build.set({ version: options.version, runtime: options.runtime }, 1);
    this.#restarts.cell();
    for (const result of ["applied", "refused"]) this.#reloads.cell(result);
    for (const kind of options.redisErrors) this.#redisErrors.cell(kind);
    for (const route of options.routes) {
      this.#openCalls.set(route, { count: 0 });
      this.#chunkGap.cell(route);
    }
    this.declareOffers(options.offers);
  }

  /** As `declare`, of what a new configuration serves. */
  declareOffers(offers: Iterable<{ route: string; model: string; region: string; upstreams: readonly string[] }>): void {
    for (const { route, model, region, upstreams } of offers) {
      for (const outcome of ["ok", ...ERROR_KINDS.filter((kind) => kind.startsWith("upstream_"))]) {
        this.#requests.cell(route, model, region, outcome);
        for (const upstream of upstreams) this.#attempts.cell(upstream, model, outcome);
      }
      this.#debt.cell(model);
      if (!this.#factors.has(model)) this.#factors.set(model, 1);
    }
  }

  limiterDecided(workspace: string, model: string, decision: string): void {
    const cells = this.#decisionCells.of(workspace, model, noCells);
    let cell = cells.get(decision);
    if (cell === undefined) {
      cell = this.#decisions.cell(workspace, model, decision);
      cells.set(decision, cell);
    }
    cell.value += 1;
  }

  limiterTook(operation: "reserve" | "settle", durationMs: number): void {
    (operation === "reserve" ? this.#reserveTime : this.#settleTime).observe(durationMs / 1000);
  }

  /** @param states - All that there are. */
  limiterIs(state: string, states: readonly string[]): void {
    for (const name of states) this.#limiterState.set({ state: name }, name === state ? 1 : 0);
  }

  redisFailed(kind: string): void {
    this.#redisErrors.cell(kind).value += 1;
  }

  debtMade(model: string, tokens: number): void {
    this.#debt.cell(model).value += tokens;
  }

  configReloaded(result: "applied" | "refused"): void {
    this.#reloads.cell(result).value += 1;
  }

  /** Workers are sampled when somebody scrapes. */
  sampleWorkers(samples: () => WorkerSample[]): void {
    this.#samples = samples;
  }

  /** @param counts - By source. */
  keysKnown(counts: Readonly<Record<string, number>>): void {
    for (const [source, count] of Object.entries(counts)) this.#keys.set({ source }, count);
  }

  callStarted(route: string): void {
    const open = this.#openCalls.get(route);
    if (open === undefined) this.#openCalls.set(route, { count: 1 });
    else open.count += 1;
  }

  callEnded(call: CallRecord): void {
    const { route, model, usage } = call;
    const open = this.#openCalls.get(route);
    if (open !== undefined) open.count -= 1;
    const cells = this.#cellsOf(call);
    cells.requests.value += 1;
    cells.duration.observe(call.durationMs / 1000);
    if (cells.attempts !== undefined) cells.attempts.value += 1;
    if (call.firstByteMs !== undefined) cells.firstByte.observe(call.firstByteMs / 1000);
    if (call.overheadMs !== undefined) cells.overhead.observe(Math.max(0, call.overheadMs) / 1000);
    if (call.estimateFactor !== undefined && model !== "other") this.#factors.set(model, call.estimateFactor);
    if (usage !== undefined && usage.input + usage.output + usage.cacheRead + usage.cacheWrite > 0)
      this.#countTokens(call.workspace, model, usage);
  }

  /** Where the pieces of a stream of this route are timed, in seconds: kept by the stream, so that a piece costs no label look-up. */
  chunkGaps(route: string): { observe(value: number): void } {
    return this.#chunkGap.cell(route);
  }

  workerRestarted(): void {
    this.#restarts.cell().value += 1;
  }

  frontLag(lagMs: number): void {
    this.#lag.set({ worker: "front" }, lagMs / 1000);
  }

  async render(): Promise<string> {
    this.#sample();
    return await metricsText(this.#registry);
  }

  /** The same as data, for a supervisor that puts those of several processes together. */
  async snapshot(): Promise<object[]> {
    this.#sample();
    return await metricsData(this.#registry);
  }

  #sample(): void {
    for (const { worker, calls, queued, lagMs } of this.#samples()) {
      this.#queue.set({ worker }, queued);
      this.#streams.set({ worker }, calls);
      this.#lag.set({ worker }, lagMs / 1000);
    }
    for (const [route, { count }] of this.#openCalls) this.#inFlight.set({ route }, count);
    for (const [model, factor] of this.#factors) this.#estimates.set({ model }, factor);
  }

  #cellsOf({ route, model, region, upstream, outcome }: CallRecord): CallCells {
    const outcomes = this.#callCells.of(upstream, model, noPaths).of(route, region, noCells);
    let cells = outcomes.get(outcome);
    if (cells === undefined) {
      cells = {
        requests: this.#requests.cell(route, model, region, outcome),
        duration: this.#duration.cell(route, outcome),
        overhead: this.#overhead.cell(route),
        firstByte: this.#firstByte.cell(route, model),
        attempts: upstream === "" ? undefined : this.#attempts.cell(upstream, model, outcome),
      };
      outcomes.set(outcome, cells);
    }
    return cells;
  }

  readonly #makeTokenCells = (workspace: string, model: string): TokenCells => {
    const cell = (direction: string) => this.#tokens.cell(workspace, model, direction);
    return { input: cell("input"), output: cell("output"), cacheRead: cell("cache_read"), cacheWrite: cell("cache_write") };
  };

  #countTokens(workspace: string, model: string, { input, output, cacheRead, cacheWrite }: Usage): void {
    const cells = this.#tokenCells.of(workspace, model, this.#makeTokenCells);
    cells.input.value += input;
    cells.output.value += output;
    cells.cacheRead.value += cacheRead;
    cells.cacheWrite.value += cacheWrite;
  }

  /** What there is, for the documentation. */
  definitions(): { name: string; type: string; labels: string[] }[] {
    return this.#definitions;
  }

  #counter(name: string, help: string, labelNames: string[]): CellCounter {
    this.#definitions.push({ name, type: "counter", labels: labelNames });
    return new CellCounter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** @param aggregator - What several processes make of it together (`metrics/merged.ts`). */
  #gauge<L extends string>(name: string, help: string, labelNames: L[], aggregator: Aggregator = "sum"): Gauge<L> {
    this.#definitions.push({ name, type: "gauge", labels: labelNames });
    return new Gauge({ name, help, labelNames, aggregator, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: string[]): CellHistogram {
    this.#definitions.push({ name, type: "histogram", labels: labelNames });
    return new CellHistogram({ name, help, labelNames, buckets: LATENCY_BUCKETS, registers: [this.#registry] });
  }
}
