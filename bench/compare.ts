/** Results that are kept under a name, and what has changed since. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BenchResult, type Measure, median, type VariantResult } from "./result.ts";

const FOLDER = join(import.meta.dir, "results");
/** Less is nothing, even where the rounds agree with one another. */
const LEAST_CHANGE = 0.05;

/** What is compared: for which less is better, and for which more is. Costs of the same work are taken against the bare pass-through beside it. */
const JUDGED: Partial<Record<Measure, "less" | "more">> = {
  cpuMicros: "less",
  cpuMicrosPerChunk: "less",
  cpuMicrosRefused: "less",
  refusedRatio: "less",
  requestsPerSecond: "more",
  addedP50Ms: "less",
  addedToBareP50Ms: "less",
  gapP99Ms: "less",
  rssPerStreamBytes: "less",
};
const BESIDE_BARE: readonly Measure[] = ["cpuMicros", "cpuMicrosPerChunk", "requestsPerSecond"];

export interface Change {
  scenario: string;
  variant: string;
  measure: Measure;
  /** Now ÷ before, of the medians. */
  ratio: number;
  isWorse: boolean;
}

export function save(name: string, result: BenchResult): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(name), JSON.stringify(result, null, 2));
}

export function saved(name: string): BenchResult {
  return JSON.parse(readFileSync(fileOf(name), "utf8")) as BenchResult;
}

const fileOf = (name: string): string => join(FOLDER, `${name.replace(/[^\w.-]/g, "_")}.json`);

/** Changes beyond the spread: the best round of the one is worse than the worst of the other. Of the gateway alone, the baselines being the yardstick. */
export function changes(before: BenchResult, now: BenchResult): Change[] {
  return now.scenarios.flatMap((scenario) => {
    const earlier = before.scenarios.find(({ name }) => name === scenario.name)?.variants ?? [];
    const gateways = scenario.variants.filter(({ variant }) => variant === "weir" || variant === "against");
    return gateways.flatMap(({ variant }) =>
      (Object.entries(JUDGED) as [Measure, "less" | "more"][]).flatMap(([measure, better]): Change[] => {
        const [old, recent] = [figures(earlier, variant, measure), figures(scenario.variants, variant, measure)];
        if (old.length === 0 || recent.length === 0) return [];
        const ratio = median(recent) / median(old);
        const isApart = Math.min(...recent) > Math.max(...old) || Math.max(...recent) < Math.min(...old);
        if (!isApart || Math.abs(ratio - 1) < LEAST_CHANGE) return [];
        return [{ scenario: scenario.name, variant, measure, ratio, isWorse: better === "less" ? ratio > 1 : ratio < 1 }];
      }),
    );
  });
}

function figures(variants: readonly VariantResult[], name: string, measure: Measure): number[] {
  const of = (wanted: string) => variants.find(({ variant }) => variant === wanted)?.measures[measure];
  const [own, bare] = [of(name) ?? [], of("bare")];
  return bare === undefined || !BESIDE_BARE.includes(measure) ? own : own.map((figure, round) => figure / (bare[round] ?? Number.NaN));
}

export function changeLines(found: readonly Change[]): string {
  if (found.length === 0) return "no change beyond the spread\n";
  return found
    .map(
      ({ scenario, variant, measure, ratio, isWorse }) =>
        `${isWorse ? "WORSE " : "better"} × ${ratio.toFixed(2)} ${scenario} ${variant} ${measure}\n`,
    )
    .join("");
}
