/** What Weir is meant to reach, as data: each figure is made of one round at a time, so that it compares what ran side by side. */
import { type BenchResult, type Measure, median, type VariantResult } from "./result.ts";

interface Target {
  measure: string;
  scenario: string;
  /** From Weir's figure and, of the same round, the bare pass-through's. */
  figure: Figure;
  most: number;
  unit: string;
}

type Figure = { of: Measure; against: "bare" | "itself"; by: "ratio" | "difference" | "value" };

const ratio = (of: Measure): Figure => ({ of, against: "bare", by: "ratio" });
const rise = (of: Measure): Figure => ({ of, against: "bare", by: "difference" });
const value = (of: Measure): Figure => ({ of, against: "itself", by: "value" });

const cpu = "CPU per request, 2 kB, against the bare pass-through";
const tls = "the same with TLS to the upstream on both sides";
const burst = "CPU per chunk, streams as fast as possible, against the bare pass-through";
const paced = "CPU per chunk, 200 streams at 50 chunks/s each, against the bare pass-through";
const caller = "latency added to the bare pass-through, one caller";
const firstByte = "time to first byte added to the bare pass-through, one caller";
const memory = "memory per open slow stream at 10,000 streams";
const refusal = "CPU of a refusal against an accepted request";
const neighbour = "rise of p99 beyond that behind the bare pass-through, 2 kB beside";

export const TARGETS: readonly Target[] = [
  { measure: cpu, scenario: "openai-2kb", figure: ratio("cpuMicros"), most: 2.0, unit: "×" },
  { measure: cpu, scenario: "bedrock-2kb", figure: ratio("cpuMicros"), most: 2.4, unit: "×" },
  { measure: tls, scenario: "openai-2kb-tls", figure: ratio("cpuMicros"), most: 1.6, unit: "×" },
  { measure: tls, scenario: "bedrock-2kb-tls", figure: ratio("cpuMicros"), most: 1.6, unit: "×" },
  { measure: burst, scenario: "openai-burst", figure: ratio("cpuMicrosPerChunk"), most: 1.1, unit: "×" },
  { measure: burst, scenario: "bedrock-burst", figure: ratio("cpuMicrosPerChunk"), most: 2.0, unit: "×" },
  { measure: paced, scenario: "openai-paced", figure: ratio("cpuMicrosPerChunk"), most: 1.7, unit: "×" },
  { measure: paced, scenario: "bedrock-paced", figure: ratio("cpuMicrosPerChunk"), most: 1.9, unit: "×" },
  ...["openai", "bedrock"].flatMap((short): Target[] => [
    { measure: `${caller}, p50`, scenario: `${short}-caller`, figure: value("addedToBareP50Ms"), most: 0.35, unit: "ms" },
    { measure: `${caller}, p99`, scenario: `${short}-caller`, figure: value("addedToBareP99Ms"), most: 1.5, unit: "ms" },
    { measure: `${firstByte}, p50`, scenario: `${short}-first-byte`, figure: value("addedToBareP50Ms"), most: 0.35, unit: "ms" },
    { measure: `${firstByte}, p99`, scenario: `${short}-first-byte`, figure: value("addedToBareP99Ms"), most: 1.5, unit: "ms" },
    { measure: memory, scenario: `${short}-slow-10000`, figure: value("rssPerStreamBytes"), most: 20_000, unit: "bytes" },
    { measure: refusal, scenario: `${short}-refusals`, figure: value("refusedRatio"), most: 0.4, unit: "×" },
  ]),
  ...[
    "openai-beside-10mb",
    "bedrock-beside-10mb",
    "openai-beside-letter",
    "bedrock-beside-letter",
    "openai-beside-marks",
    "openai-beside-nested",
  ].map((scenario): Target => ({ measure: neighbour, scenario, figure: rise("riseP99Ms"), most: 5, unit: "ms" })),
];

export interface Reached extends Target {
  /** One figure per round. */
  figures: number[];
  isMet: boolean;
}

/** The targets that this run has figures for. */
export function reached({ scenarios }: Pick<BenchResult, "scenarios">): Reached[] {
  return TARGETS.flatMap((target) => {
    const variants = scenarios.find(({ name }) => name === target.scenario)?.variants ?? [];
    const named = (name: string) => variants.find(({ variant }) => variant === name);
    const figures = figuresOf(target.figure, named("weir"), named("bare"));
    return figures.length === 0 ? [] : [{ ...target, figures, isMet: median(figures) <= target.most }];
  });
}

const COMBINED: Record<Figure["by"], (own: number, base: number) => number> = {
  ratio: (own, base) => own / base,
  difference: (own, base) => own - base,
  value: (own) => own,
};

function figuresOf({ of, against, by }: Figure, weir: VariantResult | undefined, bare: VariantResult | undefined): number[] {
  const own = weir?.measures[of] ?? [];
  const base = against === "itself" ? own : (bare?.measures[of] ?? []);
  return own.slice(0, base.length).map((figure, round) => COMBINED[by](figure, base[round] ?? 0));
}
