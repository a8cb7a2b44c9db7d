/** Writes the tables of docs/benchmarks.md between two marks, and its pictures into their own folder. Neither is edited by hand. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writePictures } from "./report/files.ts";
import { type Picture, pictures, TARGETS } from "./report/overviews.ts";
import { explained } from "./report/variants.ts";
import type { BenchResult } from "./result.ts";
import { heading, rowsOf, targetRows } from "./table.ts";

const DOCS = join(import.meta.dir, "../docs");
const PAGE = "benchmarks.md";
/** The folder of the pictures, beside the page. */
const PICTURES = "benchmarks";
const BEGIN = "<!-- written by bun run bench -- --write-docs -->";
const END = "<!-- end -->";

const markdown = ([head = [], ...rows]: string[][]): string =>
  [head, head.map(() => "--"), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");

/** The tables of a result, with the commit that was measured. */
export function tables(result: BenchResult, shown: readonly Picture[]): string {
  const [targets, charts] = [shown.filter(isOfTargets), shown.filter((picture) => !isOfTargets(picture))];
  const scenarios = result.scenarios.map((scenario) => `**${scenario.title}** (\`${scenario.name}\`)\n\n${markdown(rowsOf(scenario))}`);
  const missed = result.notRun.map(({ what, why }) => `- ${what}: ${why}`);
  return [
    heading(result),
    "### Variants",
    markdown([["variant", "what it is"], ...explained(result).map(([variant, meaning]) => [`\`${variant}\``, meaning])]),
    "### Targets",
    markdown(targetRows(result)),
    ...targets.map(embedded),
    ...(charts.length === 0 ? [] : ["### Charts", ...charts.map(embedded)]),
    "### Every scenario",
    ...scenarios,
    ...(missed.length === 0 ? [] : ["### Not run", missed.join("\n")]),
  ].join("\n\n");
}

const isOfTargets = ({ name }: Picture): boolean => name === TARGETS;

const embedded = ({ name, alternative }: Picture): string => `![${alternative.replace(/[[\]\\]/g, "\\$&")}](${PICTURES}/${name}.svg)`;

/** The page with the text between the marks replaced. */
export function withTables(page: string, text: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error("docs/benchmarks.md has no marks to write between");
  return `${page.slice(0, from + BEGIN.length)}\n\n${text}\n\n${page.slice(to)}`;
}

export function writePage(result: BenchResult, docs = DOCS): void {
  const page = join(docs, PAGE);
  const shown = pictures(result);
  const text = withTables(readFileSync(page, "utf8"), tables(result, shown));
  // Otherwise pictures of an earlier run would stay where this run has not measured them.
  rmSync(join(docs, PICTURES), { recursive: true, force: true });
  writePictures(shown, join(docs, PICTURES));
  writeFileSync(page, text);
}
