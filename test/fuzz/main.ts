/** `bun run fuzz`: inputs of every kind against a gateway of this source, and what may not come of them. The same seed gives the same inputs. */
import { parseArgs } from "node:util";
import type { RuntimeName } from "../support/weir.ts";
import type { Finding } from "./run.ts";
import { fuzz } from "./run.ts";

const USAGE = `Usage: bun run fuzz [--seed N] [--from N] [--count N] [--runtime bun|deno] [--workers N]

  --seed N      which inputs (default: chosen, and printed)
  --from N      the first of them (default 0); one input again: --from N --count 1
  --count N     how many (default 100000)
  --runtime R   the gateway's runtime (default bun)
  --workers N   its worker threads (default 2; 0: all in one thread)

Ends with 1 where an input was answered as no input may be, or the gateway is not well afterwards.
`;

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;
/** Most characters of an input that are shown. */
const MOST_SHOWN = 600;
const MOST_FINDINGS = 500;

function numberOf(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  process.stderr.write(`fuzz: --${option} ${text}: expected a number.\n`);
  process.exit(EXIT_USAGE);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        seed: { type: "string", default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
        from: { type: "string", default: "0" },
        count: { type: "string", default: "100000" },
        runtime: { type: "string", default: "bun" },
        workers: { type: "string", default: "2" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (thrown) {
    process.stderr.write(`fuzz: ${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}

const values = readArguments();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (values.runtime !== "bun" && values.runtime !== "deno") {
  process.stderr.write(`fuzz: --runtime ${values.runtime}: expected bun or deno.\n`);
  process.exit(EXIT_USAGE);
}
const runtime: RuntimeName = values.runtime;
const [seed, from, count, workers] = (["seed", "from", "count", "workers"] as const).map((name) => numberOf(name, values[name])) as [
  number,
  number,
  number,
  number,
];

let shown = 0;
function show({ index, flaws, input }: Finding): void {
  if (shown++ >= MOST_FINDINGS) return;
  const text = JSON.stringify(Buffer.concat(input.packets).toString("latin1").slice(0, MOST_SHOWN));
  const way = `${input.packets.length} packets, ${input.pauseMs} ms between, then ${input.afterwards}${input.isSound ? "" : ", not good HTTP"}`;
  process.stdout.write(
    `input ${index}: ${flaws.join("; ")}\n  ${way}\n  ${text}\n  again: bun run fuzz --seed ${seed} --from ${index} --count 1\n`,
  );
}

process.stdout.write(`seed ${seed}: inputs ${from} to ${from + count - 1}, on ${runtime} with ${workers} workers\n`);
const result = await fuzz({
  seed,
  from,
  count,
  runtime,
  workers,
  onFinding: show,
  onProgress: (done) => process.stderr.write(`${done} of ${count}\n`),
});
const { met, findings, aftermath, elapsedMs } = result;
process.stdout.write(
  `${Object.entries(met)
    .map(([what, times]) => `${what}: ${times}`)
    .join(", ")}; ${(elapsedMs / 1_000).toFixed(1)} s\n`,
);
for (const what of aftermath) process.stdout.write(`afterwards: ${what}\n`);
process.stdout.write(`seed ${seed}: ${findings} of ${count} inputs with a finding, ${aftermath.length} findings afterwards\n`);
process.exitCode = findings + aftermath.length === 0 ? 0 : EXIT_WRONG;
