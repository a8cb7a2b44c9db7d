/** Test files side by side: each in a run of Bun's own, the longest first, with what they come to. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { root } from "./toolchain.mjs";

/** Seconds that each file took on some machine: what comes first, and how long the rest may take. Written by `WEIR_TEST_RECORD=1 npm test`. */
const DURATIONS = join(root, "test/durations.json");
/** Of a file that has never been timed. */
const UNKNOWN_SECONDS = 3;

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Totals
 * @typedef {{ file: string, totals: Totals | undefined, ended: string, seconds: number, said: string }} FileRun
 */

/**
 * The totals of Bun's summary, which counts a file that could not be loaded as a failure; its JUnit report leaves that out.
 * @param {string} said
 * @returns {Totals | undefined}
 */
export function totalsOf(said) {
  const lines = stripVTControlCharacters(said).split("\n");
  const end = lines.findLastIndex((line) => /^Ran \d+ tests? across/.test(line));
  if (end < 0) return undefined;
  /** @type {Record<string, number>} */
  const sums = {};
  for (const line of lines.slice(Math.max(0, end - 10), end)) {
    const [, count, name] = line.match(/^ *(\d+) (pass|skip|todo|fail)$/) ?? [];
    if (name) sums[name] = Number(count);
  }
  const { pass = 0, skip = 0, todo = 0, fail = 0 } = sums;
  return { passed: pass, failed: fail, skipped: skip + todo };
}

/** Every file that `bun test` would run. */
export function testFiles() {
  if (!existsSync(join(root, "test"))) return [];
  const names = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".test.ts")).map((name) => `./test/${name.replaceAll("\\", "/")}`);
}

/** @returns {Record<string, number>} */
function readDurations() {
  return existsSync(DURATIONS) ? JSON.parse(readFileSync(DURATIONS, "utf8")) : {};
}

/** @param {string} bun @param {string} file @returns {Promise<FileRun>} */
function runFile(bun, file) {
  const startedMs = performance.now();
  // Bun's fetch serves 256 calls at a time unless this is set before Bun starts.
  const env = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336", ...process.env };
  const child = spawn(bun, ["test", file], { cwd: root, stdio: ["ignore", "pipe", "pipe"], env });
  const end = () => child.kill("SIGTERM");
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.once(signal, end);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  return new Promise((resolve) => {
    const over = (/** @type {string} */ ended) => {
      for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.off(signal, end);
      resolve({
        file,
        totals: ended === "exit code 0" || ended === "exit code 1" ? totalsOf(said) : undefined,
        ended,
        seconds: (performance.now() - startedMs) / 1000,
        said,
      });
    };
    child.on("error", (error) => over(error.message));
    child.on("close", (code, signal) => over(signal ?? `exit code ${code}`));
  });
}

/** @param {number} seconds */
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

/**
 * Runs the files, `lanes` at a time. Says how far it is in one line for each file (a dot where nobody is expected to watch), and everything that a file
 * said where one of its tests failed; in the end every test that was skipped, with its reason.
 * @param {string} bun @param {readonly string[]} files @param {number} lanes
 * @returns {Promise<FileRun[]>}
 */
export async function runSideBySide(bun, files, lanes) {
  const durations = readDurations();
  const expected = (/** @type {string} */ file) => durations[file] ?? UNKNOWN_SECONDS;
  const queue = [...files].sort((one, other) => expected(other) - expected(one));
  const startedMs = performance.now();
  const isWatched = process.stdout.isTTY === true;
  let leftSeconds = queue.reduce((sum, file) => sum + expected(file), 0);
  let doneSeconds = 0;
  /** @type {FileRun[]} */
  const runs = [];
  const tell = (/** @type {FileRun} */ run) => {
    const { file, totals, ended, seconds, said } = run;
    leftSeconds -= expected(file);
    doneSeconds += expected(file);
    const good = totals !== undefined && totals.failed === 0 && ended === "exit code 0";
    const passedSeconds = (performance.now() - startedMs) / 1000;
    const left = clock((leftSeconds * passedSeconds) / Math.max(doneSeconds, 1));
    const line = `${String(runs.length).padStart(3)}/${files.length}  about ${left} left  ${file.slice(2)}  ${totals ? `${totals.passed} passed` : ended} in ${seconds.toFixed(1)} s`;
    if (good) process.stdout.write(isWatched ? `\r\x1b[2K${line.slice(0, (process.stdout.columns ?? 120) - 1)}` : ".");
    else process.stdout.write(`${isWatched ? "\r\x1b[2K" : "\n"}${said}\nFAILED ${line}\n`);
  };
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const run = await runFile(bun, file);
      runs.push(run);
      tell(run);
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  process.stdout.write(isWatched ? "\r\x1b[2K" : "\n");
  const skipped = runs.flatMap(({ said }) => stripVTControlCharacters(said).match(/^\(skip\).*$/gm) ?? []);
  for (const line of new Set(skipped)) console.log(line);
  const failed = runs.flatMap(({ file, said }) =>
    (stripVTControlCharacters(said).match(/^\(fail\).*$/gm) ?? []).map((line) => `${line}  ${file.slice(2)}`),
  );
  for (const line of new Set(failed)) console.log(line);
  console.log(`${files.length} files in ${clock((performance.now() - startedMs) / 1000)}`);
  if (process.env.WEIR_TEST_RECORD === "1") {
    const entries = runs.map(({ file, seconds }) => [file, Math.round(seconds * 10) / 10]).sort();
    writeFileSync(DURATIONS, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
  }
  return runs;
}
