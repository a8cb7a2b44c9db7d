/** `bun run bench`: what Weir costs, compared with the baselines of the same run. See docs/benchmarks.md. Linux only. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { type Options, readArguments, USAGE, UsageError } from "./arguments.ts";
import { caveats, changeLines, changes, save, saved } from "./compare.ts";
import { joined } from "./joined.ts";
import { commit, machine, versions } from "./machine.ts";
import { writePage } from "./page.ts";
import { plan } from "./plan.ts";
import { Progress } from "./progress.ts";
import { page } from "./report/page.ts";
import { readResult } from "./report/read.ts";
import type { BenchResult } from "./result.ts";
import { runAll } from "./run.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { settingsOf } from "./settings.ts";
import { terminal } from "./table.ts";
import { Surroundings } from "./world.ts";

const EXIT_WRONG = 1;
const EXIT_USAGE = 2;

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const options = readArguments(words, process.env);
  if (options.isHelp) return say(USAGE);
  if (options.isList) return say(SCENARIOS.map(({ name, title }) => `${name.padEnd(24)} ${title}\n`).join(""));
  mayBeWritten(options);
  const pieces = options.from.map((file) => ({ file, result: readResult(file) }));
  const names = pieces.length > 0 ? pieces.flatMap(({ result }) => result.scenarios.map(({ name }) => name)) : options.names;
  const earlier = options.compare === undefined ? undefined : saved(options.compare, names);
  const result = pieces.length > 0 ? joined(pieces) : await measured(options, words);
  return report(options, result, earlier);
}

async function measured(options: Options, words: string[]): Promise<BenchResult> {
  const settings = settingsOf(options);
  const surroundings = new Surroundings(settings.hurry);
  const progress = new Progress();
  // Everything that was started is stopped at the end, also after an interrupt.
  const interrupted = Promise.withResolvers<never>();
  process.once("SIGINT", () => interrupted.reject(new Error("interrupted")));
  const about = { startedAt: new Date().toISOString(), commit: commit(), machine: machine(), versions: versions(), arguments: words };
  try {
    const planned = await plan(options, surroundings, (what) => progress.note(what));
    const found = await Promise.race([runAll({ ...planned, settings, surroundings, progress }), interrupted.promise]);
    return {
      ...about,
      versions: { ...about.versions, ...planned.versions },
      rounds: settings.rounds,
      scenarios: found.scenarios,
      notRun: [...planned.notRun, ...found.notRun],
    };
  } finally {
    progress.end();
    await surroundings.close();
  }
}

/** Throws where a file cannot be written, so that this is known before a run of two hours. */
function mayBeWritten({ json, html }: Options): void {
  for (const [option, file] of Object.entries({ json, html })) {
    if (file === undefined) continue;
    const folder = dirname(resolve(file));
    if (!existsSync(folder)) throw new UsageError(`--${option} ${file}: there is no folder ${folder}`);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new UsageError(`--${option} ${file}: that is a folder`);
  }
}

function report({ json, html, save: name, writesDocs, isSmoke }: Options, result: BenchResult, earlier: BenchResult | undefined): number {
  say(isSmoke ? smoke(result) : terminal(result));
  if (json !== undefined) writeFileSync(json, JSON.stringify(result, null, 2));
  if (html !== undefined) writeFileSync(html, page(result));
  if (writesDocs) writePage(result);
  if (name !== undefined) say(`saved in ${relative(process.cwd(), save(name, result))}\n`);
  if (earlier === undefined) return 0;
  const found = changes(earlier, result);
  say(changeLines(found) + caveats(earlier, result));
  return found.some(({ isWorse }) => isWorse) ? EXIT_WRONG : 0;
}

/** The result of a smoke run. The times of a few calls mean nothing, so they are not shown. */
function smoke({ scenarios, notRun }: BenchResult): string {
  const lines = scenarios.map(({ name, variants }) => `${name}: right answers by ${variants.map(({ variant }) => variant).join(", ")}\n`);
  return [...lines, ...notRun.map(({ what, why }) => `not run: ${what}: ${why}\n`)].join("");
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  const isUsage = thrown instanceof UsageError;
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n${isUsage ? "; --help shows all options" : ""}\n`);
  process.exitCode = isUsage ? EXIT_USAGE : EXIT_WRONG;
}
