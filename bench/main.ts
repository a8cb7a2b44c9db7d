/** `bun run bench`: see docs/benchmarks.md. Reads the command line, runs, prints. Linux only. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runAll } from "./run.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { table } from "./table.ts";
import { bare } from "./variants/bare.ts";
import { direct } from "./variants/direct.ts";
import { nginx, nginxVersion } from "./variants/nginx.ts";
import { weir } from "./variants/weir.ts";
import { Surroundings } from "./world.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
    only: { type: "string", multiple: true },
    json: { type: "string" },
  },
});

const names = [...(values.only ?? []), ...positionals].flatMap((name) => name.split(","));
const scenarios = SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name));
const surroundings = new Surroundings();
try {
  const found = await runAll({
    scenarios,
    variants: [direct, bare, weir, ...(nginxVersion === undefined ? [] : [nginx])],
    peers: [],
    settings: { warmUpMs: 3_000, mostCallers: 9_700, fresh: true, rounds: Number(values.rounds), countMs: Number(values.seconds) * 1_000 },
    surroundings,
    progress: { step: (line) => void process.stderr.write(`${line}\n`) },
  });
  process.stdout.write(table(found.scenarios));
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(found, null, 2));
} finally {
  await surroundings.close();
}
