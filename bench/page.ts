/** The tables of docs/benchmarks.md: written by a run between two marks, never by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import type { BenchResult } from "./result.ts";
import { heading, rowsOf, targetRows } from "./table.ts";

const PAGE = new URL("../docs/benchmarks.md", import.meta.url);
const BEGIN = "<!-- written by bun run bench -- --write-docs -->";
const END = "<!-- end -->";

const markdown = ([head = [], ...rows]: string[][]): string =>
  [head, head.map(() => "--"), ...rows].map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");

/** Whether the run was of this source or of a later one, its figures are these. */
export function tables(result: BenchResult): string {
  const scenarios = result.scenarios.map((scenario) => `**${scenario.title}** (\`${scenario.name}\`)\n\n${markdown(rowsOf(scenario))}`);
  const missed = result.notRun.map(({ what, why }) => `- ${what}: ${why}`);
  return [
    heading(result),
    "### Targets",
    markdown(targetRows(result)),
    "### Every scenario",
    ...scenarios,
    ...(missed.length === 0 ? [] : ["### Not run", missed.join("\n")]),
  ].join("\n\n");
}

/** The page with what stands between the marks replaced. */
export function withTables(page: string, text: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error("docs/benchmarks.md has no marks to write between");
  return `${page.slice(0, from + BEGIN.length)}\n\n${text}\n\n${page.slice(to)}`;
}

export function writePage(result: BenchResult): void {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8"), tables(result)));
}
