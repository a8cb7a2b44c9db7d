import Registry from "prom-client/lib/registry.js";
import { ByNames } from "../contract/by-names.ts";
import { tokensOf, type Usage } from "../contract/usage.ts";
import { addTokens, type CallCells, type CallRecord, type TokenCells } from "./calls.ts";
import { ConfiguredMetrics } from "./configured.ts";
import { DroppedMetrics } from "./dropped.ts";
import { FrontMetrics } from "./front.ts";
import { collectProcessMetrics } from "./process.ts";
import { Definer, type Definition, metricsData, metricsText } from "./registry.ts";
import { declaredPairs, EARLY_OUTCOMES, Names, OTHER, OUTCOMES, type Served, UPSTREAM_OUTCOMES } from "./served.ts";
import { UpstreamMetrics } from "./upstreams.ts";
import { WorkerMetrics } from "./workers.ts";
import { WorkspaceMetrics } from "./workspaces.ts";

const noCells = <Cell>() => new Map<string, Cell>();
const noPaths = () => new ByNames<Map<string, CallCells>>();

/** All metrics of one process. Names and labels are in `docs/metrics.md`, which a test compares with this file. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #make = new Definer(this.#registry);
  readonly upstreams = new UpstreamMetrics(this.#make);
  readonly dropped = new DroppedMetrics(this.#make);
  readonly configured = new ConfiguredMetrics(this.#make);
  readonly front = new FrontMetrics(this.#make);
  readonly workers = new WorkerMetrics(this.#make);
  readonly #workspaces = new WorkspaceMetrics(this.#make);
  readonly #requests = this.#make.counter("weir_requests_total", "Calls that have ended.", ["route", "model", "region", "outcome"]);
  readonly #inFlight = this.#make.gauge("weir_requests_in_flight", "Calls that are being answered.", ["route"]);
  readonly #duration = this.#make.histogram("weir_request_duration_seconds", "From the arrival of a call to the end of its answer.", [
    "route",
    "outcome",
  ]);
  readonly #overhead = this.#make.histogram(
    "weir_overhead_seconds",
    "Time spent in Weir itself before the first byte, without the time in which Weir waits for the upstream or for the client's body.",
    ["route"],
  );
  readonly #firstByte = this.#make.histogram(
    "weir_time_to_first_byte_seconds",
    "From the arrival of a call to the first byte of its answer.",
    ["route", "model"],
  );
  readonly #chunkGap = this.#make.histogram("weir_chunk_gap_seconds", "Time between two pieces of a stream.", ["route"]);
  readonly #tokens = this.#make.counter(
    "weir_tokens_total",
    "Tokens as the upstreams counted them: input, output, cache_read, cache_write.",
    ["workspace", "model", "direction"],
  );
  readonly #tokenParts = this.#make.counter(
    "weir_token_parts_total",
    "Parts of weir_tokens_total: cache_write_5m and cache_write_1h of cache_write, which differ in price, and reasoning of output, which clients do not see.",
    ["workspace", "model", "part"],
  );
  readonly #estimates = this.#make.gauge(
    "weir_token_estimate_ratio",
    "The factor by which estimates of this model's input are multiplied, learned from what the upstream reports; for the workspace and upstream of the last call.",
    ["model"],
    "average",
  );
  readonly #debt = this.#make.counter("weir_token_debt_total", "Tokens that calls used beyond their reservations.", ["model"]);
  readonly #limiterDuration = this.#make.histogram("weir_limiter_duration_seconds", "How long the limiter's store took: reserve, settle.", [
    "operation",
  ]);
  readonly #limiterState = this.#make.gauge(
    "weir_limiter_state",
    "1 for the present state of the limiter, 0 for the others: memory, redis, local, closed, open.",
    ["state"],
    "max",
  );
  readonly #redisErrors = this.#make.counter("weir_redis_errors_total", "Failed calls to Redis: timeout, connection, auth, reply.", [
    "kind",
  ]);
  readonly #build = this.#make.gauge("weir_build_info", "Always 1; the labels say what is running.", ["version", "runtime"], "first");
  readonly #buffered = this.#make.gauge(
    "weir_buffered_bytes",
    "Bytes of request bodies, from their arrival until their answer begins, and of answers that clients have not read yet. At most `server.max_buffered`.",
    [],
  );
  readonly #spans = this.#make.counter(
    "weir_trace_spans_total",
    "Spans of traced calls: exported to the collector, or dropped because the collector is away, is slow or refuses them.",
    ["result"],
  );
  readonly #openCalls = new Map<string, { count: number }>();
  readonly #factors = new Map<string, number>();
  /** Cells by upstream and model, then by route and region, then by outcome. */
  #callCells = new ByNames<ByNames<Map<string, CallCells>>>();
  /** Cells by workspace and model. */
  #tokenCells = new ByNames<TokenCells>();
  readonly #reserveTime = this.#limiterDuration.cell("reserve");
  readonly #settleTime = this.#limiterDuration.cell("settle");
  /** The names of the configuration in force; undefined before the first configuration. */
  #names: Names | undefined;
  #bufferedBytes: () => number = () => 0;

  constructor() {
    collectProcessMetrics(this.#registry);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Creates the series of all label values that are known at the start, so that a rate over them begins at zero. */
  declare(options: { version: string; runtime: string; routes: readonly string[]; redisErrors: readonly string[]; served: Served }): void {
    this.#build.set({ version: options.version, runtime: options.runtime }, 1);
    for (const result of ["exported", "dropped"]) this.#spans.cell(result);
    for (const kind of options.redisErrors) this.#redisErrors.cell(kind);
    for (const route of options.routes) {
      this.#openCalls.set(route, { count: 0 });
      this.#chunkGap.cell(route);
      this.#overhead.cell(route);
      this.#duration.cell(route, "ok");
    }
    this.declareServed(options.served);
  }

  /**
   * Creates the series of a new configuration, and removes those of workspaces, models, regions and upstreams that it does not have.
   * A call that is still running for a removed name is counted under `other`.
   */
  declareServed(served: Served): void {
    const names = new Names(served);
    this.#names = names;
    for (const metric of [this.#requests, this.#firstByte, this.#tokens, this.#tokenParts, this.#debt])
      metric.keep((labels) => names.have(labels));
    for (const model of this.#factors.keys()) {
      if (this.#named("model", model) === model) continue;
      this.#factors.delete(model);
      this.#estimates.remove({ model });
    }
    this.dropped.keep(names);
    this.upstreams.keep(names);
    this.#workspaces.keep(names);
    // Some of these cells belong to series that were removed.
    this.#callCells = new ByNames();
    this.#tokenCells = new ByNames();
    this.#workspaces.declare(served.workspaces);
    for (const { route, model, region, upstreams } of served.offers) {
      for (const outcome of OUTCOMES) this.#requests.cell(route, model, region, outcome);
      for (const outcome of UPSTREAM_OUTCOMES) for (const upstream of upstreams) this.upstreams.declare(upstream, model, outcome);
      for (const outcome of EARLY_OUTCOMES) this.#requests.cell(route, OTHER, OTHER, outcome);
      this.#debt.cell(model);
      if (!this.#factors.has(model)) this.#factors.set(model, 1);
    }
    for (const [workspace, model] of declaredPairs(served)) {
      this.#workspaces.declareModel(workspace, model);
      this.#tokenCells.of(workspace, model, this.#makeTokenCells);
    }
  }

  limiterDecided(workspace: string, model: string, decision: string): void {
    this.#workspaces.decided(workspace, model, decision);
  }

  limiterTook(operation: "reserve" | "settle", durationMs: number): void {
    (operation === "reserve" ? this.#reserveTime : this.#settleTime).observe(durationMs / 1000);
  }

  /** @param states - All possible states. */
  limiterIs(state: string, states: readonly string[]): void {
    for (const name of states) this.#limiterState.set({ state: name }, name === state ? 1 : 0);
  }

  redisFailed(kind: string): void {
    this.#redisErrors.cell(kind).value += 1;
  }

  debtMade(model: string, tokens: number): void {
    this.#debt.cell(this.#named("model", model)).value += tokens;
  }

  /** The bytes that are held are read at each scrape. */
  sampleBuffered(bytes: () => number): void {
    this.#bufferedBytes = bytes;
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
    if (call.workspace !== "") this.#workspaces.ended(call.workspace, call.outcome);
    cells.duration.observe(call.durationMs / 1000);
    if (call.firstByteMs !== undefined) cells.firstByte.observe(call.firstByteMs / 1000);
    if (call.overheadMs !== undefined) cells.overhead.observe(Math.max(0, call.overheadMs) / 1000);
    if (call.estimateFactor !== undefined && this.#named("model", model) !== OTHER) this.#factors.set(model, call.estimateFactor);
    if (usage !== undefined) this.tokensUsed(call.workspace, model, usage);
  }

  /** Counts the tokens of a call when it ends, or of an answer that has ended after its call. */
  tokensUsed(workspace: string, model: string, usage: Usage): void {
    if (tokensOf(usage) === 0) return;
    addTokens(this.#tokenCells.of(workspace, model, this.#makeTokenCells), usage);
  }

  /** Takes the pauses between the pieces of a stream of this route, in seconds. A stream keeps it, so that a piece costs no look-up of labels. */
  chunkGaps(route: string): { observe(value: number): void } {
    return this.#chunkGap.cell(route);
  }

  /** Counts spans that the collector got, or that were dropped. */
  traced(result: "exported" | "dropped", count: number): void {
    this.#spans.cell(result).value += count;
  }

  async render(): Promise<string> {
    this.#takeSamples();
    return await metricsText(this.#registry);
  }

  /** The metrics as data, for a supervisor that merges those of several processes. */
  async snapshot(): Promise<object[]> {
    this.#takeSamples();
    return await metricsData(this.#registry);
  }

  /** All definitions, for the documentation. */
  definitions(): readonly Definition[] {
    return this.#make.definitions;
  }

  #takeSamples(): void {
    this.#buffered.set(this.#bufferedBytes());
    this.upstreams.sample();
    this.configured.sample(Date.now());
    this.front.sample();
    this.workers.sample();
    for (const [route, { count }] of this.#openCalls) this.#inFlight.set({ route }, count);
    for (const [model, factor] of this.#factors) this.#estimates.set({ model }, factor);
  }

  #cellsOf({ route, model, region, upstream, outcome }: CallRecord): CallCells {
    const outcomes = this.#callCells.of(upstream, model, noPaths).of(route, region, noCells);
    let cells = outcomes.get(outcome);
    if (cells === undefined) {
      const what = this.#named("model", model);
      cells = {
        requests: this.#requests.cell(route, what, this.#named("region", region), outcome),
        duration: this.#duration.cell(route, outcome),
        overhead: this.#overhead.cell(route),
        firstByte: this.#firstByte.cell(route, what),
      };
      outcomes.set(outcome, cells);
    }
    return cells;
  }

  readonly #makeTokenCells = (workspace: string, model: string): TokenCells => {
    const [where, what] = [this.#named("workspace", workspace), this.#named("model", model)];
    const cell = (direction: string) => this.#tokens.cell(where, what, direction);
    const part = (name: string) => this.#tokenParts.cell(where, what, name);
    const [cacheWriteShort, cacheWriteHour, reasoning] = [part("cache_write_5m"), part("cache_write_1h"), part("reasoning")];
    const [input, output, cacheRead, cacheWrite] = [cell("input"), cell("output"), cell("cache_read"), cell("cache_write")];
    return { input, output, cacheRead, cacheWrite, cacheWriteShort, cacheWriteHour, reasoning };
  };

  #named(label: string, value: string): string {
    return this.#names?.of(label, value) ?? value;
  }
}
