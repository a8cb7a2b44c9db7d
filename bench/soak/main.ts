/** `bun run soak`: a mixed load for some time, and the slope of everything that could grow. Linux only, with Redis. See docs/reliability.md. */

import { writeFileSync } from "node:fs";
import { haveRedis } from "../../test/support/redis.ts";
import { EXIT_WRONG, positive, readOptions, wrongUse } from "../command.ts";
import { soak } from "./run.ts";
import { table } from "./verdict.ts";

const COMMAND = {
  name: "soak",
  usage: `Usage: bun run soak [--minutes N] [--rate N] [--runtime bun|deno] [--json FILE]

  --minutes N   how long it runs (default 20); the first quarter is warm-up and is not judged
  --rate N      calls per second (default 20)
  --runtime R   the gateway's runtime (default bun)
  --json FILE   write every sample to a file

Exits with 1 where something grows or is left over, an answer was wrong, or the gateway logged a fault.
`,
};
const MINUTE_MS = 60_000;
const WARM_UP = 1 / 4;
const SPELLS = 80;
const [LEAST_SPELL_MS, MOST_SPELL_MS] = [1_000, 12_000];
const TOGGLE_MS = 20_000;
const SETTLED_MS = 3_000;
const MOST_SHOWN = 20;

const values = readOptions(COMMAND, {
  minutes: { type: "string", default: "20" },
  rate: { type: "string", default: "20" },
  runtime: { type: "string", default: "bun" },
  json: { type: "string" },
});
const { runtime, json } = values;
if (runtime !== "bun" && runtime !== "deno") wrongUse(COMMAND, `--runtime ${runtime}: expected bun or deno`);
if (process.platform !== "linux") wrongUse(COMMAND, "memory and descriptors are read in /proc, which only Linux has");
if (!haveRedis) wrongUse(COMMAND, "redis-server is not installed");
const ms = positive(COMMAND, "minutes", values.minutes) * MINUTE_MS;
const callsPerSecond = positive(COMMAND, "rate", values.rate);

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
