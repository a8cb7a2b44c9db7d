/** Writes charts as files, for pages that cannot contain SVG: one file for each scenario and measure. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchResult } from "../result.ts";
import { chart, standalone } from "./chart.ts";
import colours from "./colours.css" with { type: "text" };
import { sections } from "./figures.ts";
import type { Picture } from "./overviews.ts";

/**
 * @param only names of files without their ending; all where it is empty
 * @returns the names of the written files
 */
export function writeCharts(result: BenchResult, folder: string, only: readonly string[]): string[] {
  mkdirSync(folder, { recursive: true });
  const figures = sections(result).flatMap((section) => section.figures);
  const wanted = figures.filter(({ id }) => only.length === 0 || only.includes(id));
  for (const figure of wanted) writeFileSync(join(folder, `${figure.id}.svg`), standalone(chart(figure), colours));
  return wanted.map(({ id }) => id);
}

/** Writes the overviews, for the documentation. */
export function writePictures(shown: readonly Picture[], folder: string): void {
  if (shown.length > 0) mkdirSync(folder, { recursive: true });
  for (const { name, svg } of shown) writeFileSync(join(folder, `${name}.svg`), svg);
}
