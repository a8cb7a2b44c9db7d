/** The figures to draw: one for each measure of each scenario, with a row for each variant that has the measure. */
import { type BenchResult, MEASURES, type Measure, median, type ScenarioResult } from "../result.ts";
import { figure } from "../table.ts";

export interface Row {
  variant: string;
  median: number;
  least: number;
  most: number;
  /** The comparison with the bare pass-through of the same run, as text: "2.10 ×", or "+0.31" for a measure that is a difference itself. */
  toBare: string;
}

export interface Figure {
  /** A unique name of letters, digits and hyphens. */
  id: string;
  scenario: string;
  title: string;
  /** The key of the measure in the result. */
  key: string;
  /** The measure with its unit, as people read it. */
  measure: string;
  rows: Row[];
}

export interface Section {
  id: string;
  scenario: ScenarioResult;
  figures: Figure[];
}

const BARE = "bare";

/** Measures that are differences. They may be near zero or negative, so a ratio of them has no meaning. */
const DIFFERENCES: ReadonlySet<string> = new Set<Measure>([
  "addedP50Ms",
  "addedP99Ms",
  "addedToBareP50Ms",
  "addedToBareP99Ms",
  "riseP99Ms",
  "rssGrowthBytes",
]);

export const sections = ({ scenarios }: Pick<BenchResult, "scenarios">): Section[] =>
  scenarios.map((scenario, at) => {
    const id = slug(scenario.name, at);
    return { id, scenario, figures: figuresOf(scenario, id) };
  });

function figuresOf({ name, title, variants }: ScenarioResult, id: string): Figure[] {
  const known = Object.keys(MEASURES);
  const found = [...new Set(variants.flatMap(({ measures }) => Object.keys(measures)))];
  // Measures are in the order of the list. Those that this version does not know come last.
  const measures = [...known.filter((measure) => found.includes(measure)), ...found.filter((measure) => !known.includes(measure))];
  return measures.flatMap((measure, at) => {
    const rows = rowsOf(variants, measure);
    if (rows.length === 0) return [];
    return [{ id: `${id}-${slug(measure, at)}`, scenario: name, title, key: measure, measure: labelOf(measure), rows }];
  });
}

function rowsOf(variants: ScenarioResult["variants"], measure: string): Row[] {
  const found = variants.flatMap(({ variant, measures }) => {
    const figures = measuredOf(measures, measure).filter(Number.isFinite);
    return figures.length === 0 ? [] : [{ variant, figures }];
  });
  const bare = found.find(({ variant }) => variant === BARE)?.figures;
  return found.map(({ variant, figures }) => ({
    variant,
    median: median(figures),
    least: Math.min(...figures),
    most: Math.max(...figures),
    toBare: bare === undefined || variant === BARE ? "–" : comparison(figures, bare, DIFFERENCES.has(measure)),
  }));
}

/** The median of the comparisons of each round, or the comparison of the medians where a round is missing. */
function comparison(one: readonly number[], bare: readonly number[], isDifference: boolean): string {
  const pairs =
    one.length === bare.length ? one.map((mine, round) => [mine, bare[round] ?? 0] as const) : [[median(one), median(bare)] as const];
  if (isDifference) {
    const more = median(pairs.map(([mine, floor]) => mine - floor));
    return `${more >= 0 ? "+" : "−"}${figure(Math.abs(more))}`;
  }
  return pairs.every(([mine, floor]) => floor > 0 && mine >= 0) ? `${figure(median(pairs.map(([mine, floor]) => mine / floor)))} ×` : "–";
}

const measuredOf = (measures: Readonly<Record<string, number[] | undefined>>, measure: string): number[] => measures[measure] ?? [];
const labelOf = (measure: string): string => (MEASURES as Readonly<Record<string, string>>)[measure] ?? measure;

/** A name of letters, digits and hyphens. A number is added where a character was left out, so that different names stay different. */
function slug(name: string, at: number): string {
  const plain = name.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return plain === name ? plain : `${plain || "x"}-${at}`;
}
