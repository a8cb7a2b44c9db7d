/**
 * Calibrates the token estimate: shows how far it is from the exact counts, and makes its weights.
 *
 *     bun bench/calibrate.ts           print the table
 *     bun bench/calibrate.ts --write   write it into docs/estimation.md
 *     bun bench/calibrate.ts --fit     write new weights to workers/estimate/weights.gen.ts (then use --write)
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { generate } from "./calibrate/fit.ts";
import { render, TOKENIZERS } from "./calibrate/table.ts";

const PAGE = new URL("../docs/estimation.md", import.meta.url);
const WEIGHTS = new URL("../workers/estimate/weights.gen.ts", import.meta.url);
const BEGIN = "<!-- written by bench/calibrate.ts -->";
const END = "<!-- end -->";

/** The page with the table between its marks replaced. */
export function withTable(page: string, table: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/estimation.md does not have the marks ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${table}\n${page.slice(to)}`;
}

export function tables(): string {
  return TOKENIZERS.map(render).join("\n");
}

if (import.meta.main) {
  if (process.argv.includes("--fit")) writeFileSync(WEIGHTS, generate());
  else if (process.argv.includes("--write")) writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8"), tables()));
  else process.stdout.write(`${tables()}\n`);
}
