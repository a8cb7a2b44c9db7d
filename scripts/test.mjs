/**
 * `npm test [-- ARGS of bun test]`: installs what the tests need, runs them, and ends with one line of totals that a script can read. Without
 * arguments all files run, side by side.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePrograms } from "./debian.mjs";
import { PATIENCE, runSideBySide, testFiles, totalsOf } from "./lanes.mjs";
import { findSecrets } from "./secrets.mjs";
import { endAs, finishInstall, prepare, root, run } from "./toolchain.mjs";

const bun = prepare({ dev: true });
finishInstall("bun", "install.js", join("bin", "bun.exe"));
finishInstall("deno", "install.cjs", "deno");
ensurePrograms();

// Files that tests leave behind are removed with this folder: a test that is ended by its time limit cannot clean up.
const folder = mkdtempSync(join(tmpdir(), "weir-test-"));
// Some tests start programs as another user.
chmodSync(folder, 0o711);
process.env.TMPDIR = folder;
// Everything that the gateways print and store, for one search at the end.
const collected = join(folder, "output");
mkdirSync(collected);
process.env.WEIR_TEST_OUTPUT = collected;

const words = process.argv.slice(2);
const { ended, sum, ending } = words.length === 0 ? await runAll() : await runSome();

async function runAll() {
  const runs = await runSideBySide(bun, testFiles());
  const broken = runs.find(({ totals }) => totals === undefined);
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { totals } of runs)
    for (const name of /** @type {const} */ (["passed", "failed", "skipped"])) sum[name] += totals?.[name] ?? 0;
  const code = runs.every((each) => each.ended === "exit code 0") ? 0 : 1;
  const isWhole = runs.length > 0 && broken === undefined;
  const ended = broken ? `${broken.file.slice(2)} ended with ${broken.ended}` : "there is no test file";
  return { sum: isWhole ? sum : undefined, ended, ending: { code, signal: null } };
}

async function runSome() {
  let said = "";
  const ending = await run(bun, ["test", PATIENCE, ...words], {
    overhear: (text) => {
      // Only the summary is needed, and it comes last.
      said = (said + text).slice(-4096);
    },
  });
  return { sum: totalsOf(said), ended: `bun test ended with ${ending.signal ?? `exit code ${ending.code}`}`, ending };
}

const { sources, secrets, found } = findSecrets(collected);
rmSync(folder, { recursive: true, force: true });
for (const place of found) console.log(`secret: ${place}`);
// A search without texts or without secrets proves nothing. That is allowed where only some tests were asked for, and in a project
// whose tests gather nothing.
const isPartial = words.length > 0 || !existsSync(join(root, "test/support/collected.ts"));
const isProven = found.length === 0 && (isPartial || (sources > 0 && secrets > 0));
console.log(`secrets: ${found.length} found; looked for ${secrets} in what ${sources} gateways, commands and pages said`);

const good = isProven && ending.code === 0 && sum !== undefined && sum.failed === 0 && sum.passed > 0;
if (sum) console.log(`tests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
else console.log(`tests: no totals; ${ended}`);
endAs({ ...ending, code: good ? 0 : ending.code || 1 });
