/** The targets of Weir, as data. Each figure is made of the measures of one round, so that it compares what ran at about the same time. */
import { type BenchResult, type Measure, median, type VariantResult } from "./result.ts";

interface Target {
  measure: string;
  scenario: string;
  figure: Figure;
  most: number;
  unit: string;
  /**
   * The figure before the front had its own sockets: the least and the most of several runs on several machines; empty where it was not measured.
   * Undefined for a target that `--targets` does not measure.
   */
  before?: readonly number[];
}

/** Weir's measure `of`, compared with the measure `base` (or `of` too, where there is none) of the variant `against` in the same round. */
type Figure = { of: Measure; against: string; base?: Measure; by: "ratio" | "difference" | "value" };

const ITSELF = "itself";
const ratio = (of: Measure, against = "bare"): Figure => ({ of, against, by: "ratio" });
const rise = (of: Measure): Figure => ({ of, against: "bare", by: "difference" });
const value = (of: Measure): Figure => ({ of, against: ITSELF, by: "value" });

const cpu = "CPU per request, 2 kB, against the bare pass-through";
const axum = "CPU per request, 2 kB, against axum with reqwest";
const tls = "the same as against the bare pass-through, with TLS to the upstream on both sides";
const burst = "CPU per chunk, streams as fast as possible, against the bare pass-through";
const paced = "CPU per chunk, 200 streams at 50 chunks/s each, against the bare pass-through";
const caller = "latency added to the bare pass-through, one caller";
const firstByte = "time to first byte added to the bare pass-through, one caller";
const memory = "memory per open slow stream at 10,000 streams";
const refusal = "CPU of a refusal against a request through the bare pass-through";
const idle = "resident memory of a gateway that nobody calls";
const heads = "5,000 connections that never finish their head";
const neighbour = "rise of p99 beyond that behind the bare pass-through, 2 kB beside";

const refused: Figure = { of: "cpuMicrosRefused", against: "bare", base: "cpuMicros", by: "ratio" };

export const TARGETS: readonly Target[] = [
  { measure: cpu, scenario: "openai-2kb", figure: ratio("cpuMicros"), most: 1.5, unit: "×", before: [2.0, 2.7] },
  { measure: cpu, scenario: "bedrock-2kb", figure: ratio("cpuMicros"), most: 2.0, unit: "×", before: [2.9, 3.2] },
  { measure: axum, scenario: "openai-2kb", figure: ratio("cpuMicros", "axum"), most: 1.1, unit: "×", before: [1.3, 1.6] },
  { measure: tls, scenario: "openai-2kb-tls", figure: ratio("cpuMicros"), most: 1.5, unit: "×", before: [2.2] },
  { measure: tls, scenario: "bedrock-2kb-tls", figure: ratio("cpuMicros"), most: 1.8, unit: "×", before: [2.6] },
  { measure: refusal, scenario: "openai-refusals", figure: refused, most: 0.6, unit: "×", before: [0.9, 1.3] },
  { measure: refusal, scenario: "bedrock-refusals", figure: refused, most: 0.6, unit: "×", before: [0.9, 1.3] },
  { measure: `${caller}, p50`, scenario: "openai-caller", figure: value("addedToBareP50Ms"), most: 0.2, unit: "ms", before: [0.25, 0.37] },
  { measure: `${caller}, p50`, scenario: "bedrock-caller", figure: value("addedToBareP50Ms"), most: 0.2, unit: "ms", before: [0.25, 0.37] },
  {
    measure: `${firstByte}, p50`,
    scenario: "openai-first-byte",
    figure: value("addedToBareP50Ms"),
    most: 0.4,
    unit: "ms",
    before: [0.8, 1],
  },
  {
    measure: `${firstByte}, p50`,
    scenario: "bedrock-first-byte",
    figure: value("addedToBareP50Ms"),
    most: 0.4,
    unit: "ms",
    before: [0.8, 1],
  },
  { measure: burst, scenario: "openai-burst", figure: ratio("cpuMicrosPerChunk"), most: 1.1, unit: "×", before: [1.3] },
  { measure: burst, scenario: "bedrock-burst", figure: ratio("cpuMicrosPerChunk"), most: 1.4, unit: "×", before: [1.5] },
  { measure: paced, scenario: "openai-paced", figure: ratio("cpuMicrosPerChunk"), most: 1.4, unit: "×", before: [1.5, 1.7] },
  { measure: paced, scenario: "bedrock-paced", figure: ratio("cpuMicrosPerChunk"), most: 1.5, unit: "×", before: [1.6, 1.7] },
  { measure: memory, scenario: "openai-slow-10000", figure: value("rssPerStreamBytes"), most: 10_000, unit: "bytes", before: [15_000] },
  { measure: memory, scenario: "bedrock-slow-10000", figure: value("rssPerStreamBytes"), most: 12_000, unit: "bytes", before: [17_000] },
  { measure: idle, scenario: "openai-idle", figure: value("rssBytes"), most: 90_000_000, unit: "bytes", before: [] },
  { measure: `${heads}: until the last is gone`, scenario: "openai-heads", figure: value("goneSeconds"), most: 12, unit: "s", before: [] },
  {
    measure: `${heads}: each holds`,
    scenario: "openai-heads",
    figure: value("rssPerConnectionBytes"),
    most: 4_000,
    unit: "bytes",
    before: [],
  },
  { measure: `${heads}: rise of p99 beside them`, scenario: "openai-heads", figure: value("riseP99Ms"), most: 5, unit: "ms", before: [] },
  { measure: `${caller}, p99`, scenario: "openai-caller", figure: value("addedToBareP99Ms"), most: 1.5, unit: "ms" },
  { measure: `${caller}, p99`, scenario: "bedrock-caller", figure: value("addedToBareP99Ms"), most: 1.5, unit: "ms" },
  { measure: `${firstByte}, p99`, scenario: "openai-first-byte", figure: value("addedToBareP99Ms"), most: 1.5, unit: "ms" },
  { measure: `${firstByte}, p99`, scenario: "bedrock-first-byte", figure: value("addedToBareP99Ms"), most: 1.5, unit: "ms" },
  ...[
    "openai-beside-10mb",
    "bedrock-beside-10mb",
    "openai-beside-letter",
    "bedrock-beside-letter",
    "openai-beside-marks",
    "openai-beside-nested",
  ].map((scenario): Target => ({ measure: neighbour, scenario, figure: rise("riseP99Ms"), most: 5, unit: "ms" })),
];

/** The scenarios that `--targets` runs, each with the variants that its figures need. */
export const TARGET_SCENARIOS: ReadonlyMap<string, ReadonlySet<string>> = (() => {
  const found = new Map<string, Set<string>>();
  for (const { scenario, figure, before } of TARGETS) {
    if (before === undefined) continue;
    const variants = found.get(scenario) ?? new Set(["weir"]);
    found.set(scenario, variants);
    // Added times are differences between calls to Weir and calls to the bare pass-through in turn.
    variants.add(figure.of === "addedToBareP50Ms" ? "bare" : figure.against === ITSELF ? "weir" : figure.against);
  }
  return found;
})();

export interface Reached extends Target {
  /** One figure per round. */
  figures: number[];
  isMet: boolean;
}

/** The targets for which this run has figures. */
export function reached({ scenarios }: Pick<BenchResult, "scenarios">): Reached[] {
  return TARGETS.flatMap((target) => {
    const variants = scenarios.find(({ name }) => name === target.scenario)?.variants ?? [];
    const figures = figuresOf(target.figure, variants);
    return figures.length === 0 ? [] : [{ ...target, figures, isMet: median(figures) <= target.most }];
  });
}

const COMBINED: Record<Figure["by"], (own: number, base: number) => number> = {
  ratio: (own, base) => own / base,
  difference: (own, base) => own - base,
  value: (own) => own,
};

function figuresOf({ of, against, base: ofBase = of, by }: Figure, variants: readonly VariantResult[]): number[] {
  const measuresOf = (name: string) => variants.find(({ variant }) => variant === name)?.measures;
  const own = measuresOf("weir")?.[of] ?? [];
  const base = against === ITSELF ? own : (measuresOf(against)?.[ofBase] ?? []);
  return own.slice(0, base.length).map((figure, round) => COMBINED[by](figure, base[round] ?? 0));
}
