/** `bun run soak`: a mixed load for a while, and the slope of everything that could grow. Linux only, with Redis. See docs/reliability.md. */

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { haveRedis } from "../../test/support/redis.ts";
import { soak } from "./run.ts";
import { table } from "./verdict.ts";

const USAGE = `Usage: bun run soak [--minutes N] [--rate N] [--runtime bun|deno] [--json FILE]

  --minutes N   how long (default 20); the first quarter is warm-up and is not judged
  --rate N      calls per second (default 20)
  --runtime R   the gateway's runtime (default bun)
  --json FILE   keep every sample

Ends with 1 where something grows or is left over, an answer was wrong, or the gateway had a fault of its own.
`;
const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
const MINUTE_MS = 60_000;
const WARM_UP = 1 / 4;
const SPELLS = 80;
const [LEAST_SPELL_MS, MOST_SPELL_MS] = [1_000, 12_000];
const TOGGLE_MS = 20_000;
const SETTLED_MS = 3_000;
const MOST_SHOWN = 20;

function wrongUse(message: string): never {
  process.stderr.write(`soak: ${message}\n\n${USAGE}`);
  process.exit(EXIT_USAGE);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        minutes: { type: "string", default: "20" },
        rate: { type: "string", default: "20" },
        runtime: { type: "string", default: "bun" },
        json: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (thrown) {
    return wrongUse(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function positive(option: string, text: string): number {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : wrongUse(`--${option} ${text}: expected a number above 0`);
}

const values = readArguments();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const { runtime, json } = values;
if (runtime !== "bun" && runtime !== "deno") wrongUse(`--runtime ${runtime}: expected bun or deno`);
if (process.platform !== "linux") wrongUse("memory and descriptors are read in /proc, which is Linux's");
if (!haveRedis) wrongUse("redis-server is not installed");
const ms = positive("minutes", values.minutes) * MINUTE_MS;
const callsPerSecond = positive("rate", values.rate);

const result = await soak({
  runtime,
  ms,
  callsPerSecond,
  warmUpMs: ms * WARM_UP,
  spellMs: Math.min(MOST_SPELL_MS, Math.max(LEAST_SPELL_MS, ms / SPELLS)),
  toggleMs: TOGGLE_MS,
  settledMs: SETTLED_MS,
  onSample: ({ ms: atMs, sample }) =>
    process.stderr.write(`${(atMs / MINUTE_MS).toFixed(1)} min: ${sample.rss.toFixed(0)} MB, ${sample.descriptors} descriptors\n`),
});
if (json !== undefined) writeFileSync(json, JSON.stringify(result, null, 1));
const { calls, wrongAnswers, findings, faults, samples } = result;
const count = Object.values(calls).reduce((sum, each) => sum + each, 0);
process.stdout.write(
  `${count} calls, ${samples.length} lulls\n${Object.entries(calls)
    .map(([kind, times]) => `  ${kind}: ${times}\n`)
    .join("")}\n${table(findings)}\n\n`,
);
const wrong = [...findings.flatMap((finding) => finding.wrong ?? []), ...faults, ...wrongAnswers.slice(0, MOST_SHOWN)];
for (const line of wrong) process.stdout.write(`wrong: ${line}\n`);
process.stdout.write(wrong.length === 0 ? "nothing grows, and nothing is left over\n" : `${wrongAnswers.length} answers were wrong\n`);
process.exitCode = wrong.length === 0 ? 0 : EXIT_WRONG;
