/** A run as text: one table for each scenario, a row for each variant. */
import { MEASURES, type Measure, median, type ScenarioResult } from "./result.ts";

const digits = (number: number): number => (Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2);
export const figure = (number: number): string => number.toFixed(digits(number));

/** Median, with the least and the most. */
export const spread = (numbers: readonly number[]): string =>
  `${figure(median(numbers))} (${figure(Math.min(...numbers))}–${figure(Math.max(...numbers))})`;

export function table(scenarios: readonly ScenarioResult[]): string {
  return scenarios
    .map(({ name, title, variants }) => {
      const measures = (Object.keys(MEASURES) as Measure[]).filter((measure) =>
        variants.some((one) => one.measures[measure] !== undefined),
      );
      const rows = [
        ["", ...measures.map((measure) => MEASURES[measure])],
        ...variants.map(({ variant, measures: found }) => [
          variant,
          ...measures.map((measure) => (found[measure] ? spread(found[measure]) : "–")),
        ]),
      ];
      const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
      const lines = rows.map((row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd(),
      );
      return `${title} (${name})\n${lines.join("\n")}\n\n`;
    })
    .join("");
}
