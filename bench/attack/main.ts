/** `bun run attack`: what one client can do to another. Linux only. See docs/security.md. */
import { writeFileSync } from "node:fs";
import { EXIT_WRONG, positive, readOptions, wrongUse } from "../command.ts";
import { ALL, attack, type FillRow, type Row } from "./run.ts";
import { boundsOf, FILL_HEAD, FLOOD_HEAD, fillLine, floodLine, quietOf, wrongIn, wrongInFill } from "./verdict.ts";
import { PLACES } from "./world.ts";

const COMMAND = {
  name: "attack",
  usage: `Usage: bun run attack [--seconds N] [--workers N] [--runtime bun|deno] [--only PATTERN] [--fills] [--json FILE]

  --seconds N   how long the neighbour is measured, before and during each flood (default 4)
  --workers N   the gateway's worker threads (default 1)
  --runtime R   the gateway's runtime (default bun)
  --only P      only floods or fills whose names match this regular expression
  --fills       loads that fill memory, instead of the floods
  --json FILE   write every figure to a file

Exits with 1 where a flood makes the neighbour wait too long, or memory goes beyond its bound.
`,
};
/** Longer than any figure needs. */
const MOST_SECONDS = 60;

const values = readOptions(COMMAND, {
  seconds: { type: "string", default: "4" },
  workers: { type: "string", default: "1" },
  runtime: { type: "string", default: "bun" },
  only: { type: "string", default: "" },
  fills: { type: "boolean", default: false },
  json: { type: "string" },
});
const { runtime, only, fills: isFilling, json } = values;
if (runtime !== "bun" && runtime !== "deno") wrongUse(COMMAND, `--runtime ${runtime}: expected bun or deno`);
if (process.platform !== "linux") wrongUse(COMMAND, "memory is read in /proc, which only Linux has");
const seconds = positive(COMMAND, "seconds", values.seconds);
if (seconds > MOST_SECONDS) wrongUse(COMMAND, `--seconds ${values.seconds}: expected a number up to ${MOST_SECONDS}`);
const workers = Number(values.workers);
if (!(Number.isInteger(workers) && workers >= 0)) wrongUse(COMMAND, `--workers ${values.workers}: expected a whole number`);
const wanted = new RegExp(only);
const chosen = (names: string[]) => names.filter((name) => wanted.test(name));

const { rows, fills, faults } = await attack({
  runtime,
  workers,
  seconds,
  floods: isFilling ? [] : chosen(ALL.floods),
  fills: isFilling ? chosen(ALL.fills) : [],
  onRow: (row: Row | FillRow) => process.stderr.write(`${"quiet" in row ? floodLine(row, row.quiet) : fillLine(row)}\n`),
});
if (json !== undefined) writeFileSync(json, JSON.stringify({ rows, fills, faults }, null, 1));
const quiet = quietOf(rows);
const bounds = boundsOf(rows, quiet);
process.stdout.write(`${PLACES} Workers: ${workers}, ${runtime}.\n\n`);
if (rows.length > 0) {
  const { p50, p99, largeP50, largeP90 } = quiet;
  process.stdout.write(
    `Without an attack: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; large calls p50 ${largeP50.toFixed(1)}, p90 ${largeP90.toFixed(1)}.\n`,
  );
  process.stdout.write(`Bounds: p99 ${bounds.p99.toFixed(1)} ms, large calls p90 ${bounds.largeP90.toFixed(1)} ms.\n\n`);
  process.stdout.write(`${FLOOD_HEAD}\n${rows.map((row) => floodLine(row, quiet)).join("\n")}\n\n`);
}
if (fills.length > 0) process.stdout.write(`${FILL_HEAD}\n${fills.map(fillLine).join("\n")}\n\n`);
const wrong = [...rows.flatMap((row) => wrongIn(row, quiet, bounds)), ...fills.flatMap(wrongInFill), ...faults];
for (const line of wrong) process.stdout.write(`wrong: ${line}\n`);
process.exitCode = wrong.length === 0 ? 0 : EXIT_WRONG;
