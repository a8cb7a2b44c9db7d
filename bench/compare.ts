/** Saves results under a name, and finds what has changed since then. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "./arguments.ts";
import { readResult } from "./report/read.ts";
import { type BenchResult, type Measure, median, type VariantResult } from "./result.ts";

const FOLDER = join(import.meta.dir, "results");
/** A smaller change is ignored, even where the rounds agree. */
const LEAST_CHANGE = 0.05;
/** With fewer rounds, results can differ by chance. */
const FEWEST_ROUNDS = 3;

/** The measures that are compared, and whether less or more is better. */
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
/** These are compared as a ratio to the bare pass-through of the same run. */
const BESIDE_BARE: readonly Measure[] = ["cpuMicros", "cpuMicrosPerChunk", "requestsPerSecond"];

export interface Change {
  scenario: string;
  variant: string;
  measure: Measure;
  /** Median now ÷ median before. */
  ratio: number;
  isWorse: boolean;
}

/** Returns the path of the file. */
export function save(name: string, result: BenchResult): string {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(name), JSON.stringify(result, null, 2));
  return fileOf(name);
}

/** Throws where no result has the name, or the result has none of the wanted scenarios, so that this is known before a long run. */
export function saved(name: string, scenarios: readonly string[]): BenchResult {
  if (!existsSync(fileOf(name))) {
    const kept = existsSync(FOLDER) ? readdirSync(FOLDER).map((file) => file.replace(/\.json$/, "")) : [];
    throw new UsageError(
      `no result is saved as ${JSON.stringify(name)}; ${kept.length === 0 ? "--save saves one" : `there are ${kept.sort().join(", ")}`}`,
    );
  }
  const result = readResult(fileOf(name));
  if (!result.scenarios.some((scenario) => scenarios.includes(scenario.name)))
    throw new UsageError(
      `the result ${JSON.stringify(name)} has none of these scenarios; it has ${result.scenarios.map((one) => one.name).join(", ")}`,
    );
  return result;
}

const fileOf = (name: string): string => join(FOLDER, `${name.replace(/[^\w.-]/g, "_")}.json`);

/**
 * Changes of the gateway beyond the spread: the best round of one result is worse than the worst round of the other. Baselines are not judged: costs are
 * compared with them.
 */
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

/** Reasons why a reported change may not come from the gateway. */
export function caveats(before: BenchResult, now: BenchResult): string {
  const isElsewhere = JSON.stringify(before.machine) !== JSON.stringify(now.machine);
  const isShort = Math.min(before.rounds, now.rounds) < FEWEST_ROUNDS;
  return [
    isElsewhere ? "note: the two results are from different machines; only ratios to the bare pass-through can be compared\n" : "",
    isShort ? `note: with fewer than ${FEWEST_ROUNDS} rounds, chance can look like a change\n` : "",
  ].join("");
}
