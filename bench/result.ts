/** The result of a run: what `--json FILE` and `--save` write, and what the report reads. */

export interface BenchResult {
  /** ISO 8601. */
  startedAt: string;
  /** The short hash of the commit, with `+` where files differ from it; "unknown" outside of a clone. */
  commit: string;
  machine: Machine;
  /** Program → version: bun, weir, redis, nginx, peers. */
  versions: Record<string, string>;
  /** The command line after `bun run bench`. */
  arguments: string[];
  rounds: number;
  scenarios: ScenarioResult[];
  notRun: NotRun[];
}

export interface Machine {
  processors: number;
  model: string;
  kernel: string;
  memoryGiB: number;
}

export type LimiterPlace = "redis" | "memory" | "off";

export interface ScenarioResult {
  name: string;
  /** What people read instead of the name. */
  title: string;
  limiter: LimiterPlace;
  variants: VariantResult[];
}

export interface VariantResult {
  /** "weir", "direct", "bare", "nginx", "against", or the name of a peer. */
  variant: string;
  /** One figure per round. */
  measures: Partial<Record<Measure, number[]>>;
}

export interface NotRun {
  what: string;
  why: string;
}

/** Every measure with its unit in its name, and what it means. Each scenario has only some of them. */
export const MEASURES = {
  cpuMicros: "CPU µs per request",
  cpuMicrosPerChunk: "CPU µs per chunk",
  cpuMicrosRefused: "CPU µs per refusal",
  refusedRatio: "CPU of a refusal ÷ of an accepted request",
  requestsPerSecond: "requests/s",
  p50Ms: "p50 ms",
  p99Ms: "p99 ms",
  ttfbP50Ms: "first byte p50 ms",
  ttfbP99Ms: "first byte p99 ms",
  addedP50Ms: "added to direct, p50 ms",
  addedP99Ms: "added to direct, p99 ms",
  addedToBareP50Ms: "added to bare, p50 ms",
  addedToBareP99Ms: "added to bare, p99 ms",
  aloneP99Ms: "p99 ms alone",
  riseP99Ms: "rise of p99, ms",
  gapP50Ms: "gap p50 ms",
  gapP99Ms: "gap p99 ms",
  rssPerStreamBytes: "bytes per open stream",
  rssPerConnectionBytes: "bytes per connection",
  rssBytes: "resident bytes",
  rssGrowthBytes: "RSS growth, bytes",
  streams: "streams",
  goneSeconds: "seconds until the last is gone",
  loopLagMs: "event loop lag ms",
} as const;

export type Measure = keyof typeof MEASURES;
export type Measures = Partial<Record<Measure, number>>;

export const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** The value below which the share `at` (0 to 1) of the numbers is, by the nearest rank; 0 where there are none. */
export const quantile = (numbers: Iterable<number>, at: number): number => {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? 0;
};
