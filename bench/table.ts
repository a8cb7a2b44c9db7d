/** A run as text for a terminal: one table for each scenario with a row for each variant, then the targets. */
import { type BenchResult, MEASURES, type Measure, median, type ScenarioResult } from "./result.ts";
import { reached } from "./targets.ts";

const digits = (number: number): number => (Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2);
export const figure = (number: number): string =>
  Math.abs(number) >= 10_000 ? Math.round(number).toLocaleString("en") : number.toFixed(digits(number));

/** The median, with the least and the most in brackets. */
export const spread = (numbers: readonly number[]): string =>
  `${figure(median(numbers))} (${figure(Math.min(...numbers))}–${figure(Math.max(...numbers))})`;

/** The head of a table, and its rows. */
export function rowsOf({ variants }: ScenarioResult): string[][] {
  const measures = (Object.keys(MEASURES) as Measure[]).filter((measure) => variants.some((one) => one.measures[measure] !== undefined));
  return [
    ["", ...measures.map((measure) => MEASURES[measure])],
    ...variants.map(({ variant, measures: found }) => [
      variant,
      ...measures.map((measure) => (found[measure] ? spread(found[measure]) : "–")),
    ]),
  ];
}

export function targetRows(result: Pick<BenchResult, "scenarios">): string[][] {
  return [
    ["measure", "scenario", "before", "target", "measured", "met?"],
    ...reached(result).map(({ measure, scenario, before = [], most, unit, figures, isMet }) => [
      measure,
      scenario,
      before.length === 0 ? "–" : `${before.map(figure).join("–")} ${unit}`,
      `≤ ${figure(most)} ${unit}`,
      `${spread(figures)} ${unit}`,
      isMet ? "yes" : "no",
    ]),
  ];
}

export function heading({ machine, versions, commit, rounds, startedAt }: BenchResult): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return (
    `${startedAt.slice(0, 16).replace("T", " ")} UTC, commit ${commit}; ${machine.processors} × ${machine.model}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}; ` +
    `${programs.join(", ")}; median (least–most) of ${rounds} ${rounds === 1 ? "round" : "rounds"}`
  );
}

export function terminal(result: BenchResult): string {
  const scenarios = result.scenarios.map((scenario) => `${scenario.title} (${scenario.name})\n${aligned(rowsOf(scenario))}\n`);
  const targets = targetRows(result);
  const missed = result.notRun.map(({ what, why }) => `not run: ${what}: ${why}\n`);
  return [
    heading(result),
    "\n\n",
    ...scenarios.map((text) => `${text}\n`),
    targets.length > 1 ? `${aligned(targets)}\n` : "",
    ...missed,
  ].join("");
}

function aligned(rows: readonly string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${rows.map(line).join("\n")}\n`;
}
