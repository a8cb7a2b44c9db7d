/** Runs test files side by side: each in its own run of Bun, the longest first, as many as keep the processors busy, and adds up their results. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { root } from "./toolchain.mjs";

/**
 * What each file took on some machine, alone or beside others: seconds of the clock, and seconds of a processor. From these follow the order of the files,
 * how many run at once, and the estimate of the remaining time. Written by `WEIR_TEST_RECORD=1 npm test`.
 */
const DURATIONS = join(root, "test/durations.json");
/** Used for a file that has never been timed. */
const UNKNOWN = { seconds: 3, cpu: 3 };
/**
 * Most tests wait for a clock or for another process half of their time, so two files for each processor can run at once. More of them at a time would
 * make tests that measure time wait for a processor.
 */
const FILES_PER_PROCESSOR = 2;
const isRecording = process.env.WEIR_TEST_RECORD === "1";

/** Time limit of a test that sets none. Far more than a test needs, because the machine is busy with other tests. */
export const PATIENCE = "--timeout=20000";

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Totals
 * @typedef {{ seconds: number, cpu: number }} Duration
 * @typedef {{ file: string, totals: Totals | undefined, ended: string, seconds: number, cpu: number, said: string }} FileRun
 */

/**
 * The totals of Bun's summary. It counts a file that could not be loaded as a failure; its JUnit report does not.
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

/** @returns {Record<string, Duration>} */
function readDurations() {
  return existsSync(DURATIONS) ? JSON.parse(readFileSync(DURATIONS, "utf8")) : {};
}

/** Bash prints the processor time of the program and of all processes that it has waited for. */
const TIMED = ["-c", 'TIMEFORMAT="processor: %U %S"; time "$@"', "timed"];

/** @param {string} said */
function processorSeconds(said) {
  const [, user, system] = said.match(/^processor: ([\d.]+) ([\d.]+)$/m) ?? [];
  return Number(user ?? 0) + Number(system ?? 0);
}

/** @param {string} bun @param {string} file @returns {Promise<FileRun>} */
function runFile(bun, file) {
  const startedMs = performance.now();
  // Bun's fetch serves 256 calls at a time unless this is set before Bun starts.
  const env = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336", ...process.env };
  const words = ["test", PATIENCE, file];
  const [program, args] = isRecording ? ["bash", [...TIMED, bun, ...words]] : [bun, words];
  const child = spawn(program, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], env });
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
        cpu: processorSeconds(said),
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
 * The first waiting file for which the processors have time left: the running files and this one together use at most all processors.
 * @param {readonly string[]} waiting @param {number} free processors without work @param {(file: string) => number} share
 */
function nextThatFits(waiting, free, share) {
  return waiting.findIndex((file) => share(file) <= free);
}

/**
 * Runs the files, several at a time. Prints its progress in one line for each file (a dot where the output is no terminal), and the whole output of a file
 * in which a test failed; at the end every test that was skipped, with its reason.
 * @param {string} bun @param {readonly string[]} files
 * @returns {Promise<FileRun[]>}
 */
export async function runSideBySide(bun, files) {
  const processors = availableParallelism();
  const durations = readDurations();
  const expected = (/** @type {string} */ file) => (durations[file] ?? UNKNOWN).seconds;
  // A file that uses several processors counts as the whole machine at most: it must be able to run alone.
  const share = (/** @type {string} */ file) => {
    const { seconds, cpu } = durations[file] ?? UNKNOWN;
    return Math.min(cpu / seconds, processors);
  };
  const queue = [...files].sort((one, other) => expected(other) - expected(one));
  const startedMs = performance.now();
  const isWatched = process.stdout.isTTY === true;
  let leftSeconds = queue.reduce((sum, file) => sum + expected(file), 0);
  let doneSeconds = 0;
  /** @type {FileRun[]} */
  const runs = [];
  const report = (/** @type {FileRun} */ run) => {
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
  await new Promise((/** @type {(over: void) => void} */ resolve) => {
    let running = 0;
    let busy = 0;
    const fill = () => {
      if (running === 0 && queue.length === 0) resolve();
      while (running < FILES_PER_PROCESSOR * processors) {
        const place = running === 0 ? 0 : nextThatFits(queue, processors - busy, share);
        const [file] = place < 0 ? [] : queue.splice(place, 1);
        if (file === undefined) return;
        running += 1;
        busy += share(file);
        void runFile(bun, file).then((run) => {
          running -= 1;
          busy -= share(file);
          runs.push(run);
          report(run);
          fill();
        });
      }
    };
    fill();
  });
  process.stdout.write(isWatched ? "\r\x1b[2K" : "\n");
  const skipped = runs.flatMap(({ said }) => stripVTControlCharacters(said).match(/^\(skip\).*$/gm) ?? []);
  for (const line of new Set(skipped)) console.log(line);
  const failed = runs.flatMap(({ file, said }) =>
    (stripVTControlCharacters(said).match(/^\(fail\).*$/gm) ?? []).map((line) => `${line}  ${file.slice(2)}`),
  );
  for (const line of new Set(failed)) console.log(line);
  console.log(`${files.length} files in ${clock((performance.now() - startedMs) / 1000)}`);
  if (isRecording) {
    const tenth = (/** @type {number} */ seconds) => Math.max(Math.round(seconds * 10) / 10, 0.1);
    const entries = runs
      .map(({ file, seconds, cpu }) => /** @type {const} */ ([file, { seconds: tenth(seconds), cpu: tenth(cpu) }]))
      .sort();
    const lines = entries.map(
      ([file, duration]) =>
        `  ${JSON.stringify(file)}: ${JSON.stringify(duration)
          .replaceAll(/([:,{])/g, "$1 ")
          .replace("}", " }")}`,
    );
    writeFileSync(DURATIONS, `{\n${lines.join(",\n")}\n}\n`);
  }
  return runs;
}
