/**
 * Makes a page with charts from a result of the benchmark (`--json FILE`).
 *
 *     bun bench/report.ts RESULT.json OUT.html [--svg FOLDER [--only SCENARIO-MEASURE]…]
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { writeCharts } from "./report/files.ts";
import { page } from "./report/page.ts";
import { readResult } from "./report/read.ts";

const USAGE = "bun bench/report.ts RESULT.json OUT.html [--svg FOLDER [--only SCENARIO-MEASURE]…]\n";
const EXIT_USAGE = 2;

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { svg: { type: "string" }, only: { type: "string", multiple: true } },
  });
  const [from, to] = positionals;
  if (from === undefined || to === undefined || positionals.length > 2) throw new Error("expected one file to read and one file to write");
  const result = readResult(from);
  writeFileSync(to, page(result));
  if (values.svg !== undefined) {
    const written = writeCharts(result, values.svg, values.only ?? []);
    const missing = values.only?.filter((id) => !written.includes(id)) ?? [];
    if (missing.length > 0) throw new Error(`nothing was measured for ${missing.join(", ")}`);
  }
  return 0;
}

try {
  process.exitCode = main();
} catch (thrown) {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${USAGE}`);
  process.exitCode = EXIT_USAGE;
}
