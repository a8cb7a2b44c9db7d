/** `npm test [-- ARGS of bun test]`: sees to what the tests need, runs them, and closes with one line of totals that a script can read. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ensurePrograms } from "./debian.mjs";
import { findSecrets } from "./secrets.mjs";
import { endAs, finishInstall, prepare, root, run } from "./toolchain.mjs";

const bun = prepare({ dev: true });
finishInstall("bun", "install.js", join("bin", "bun.exe"));
finishInstall("deno", "install.cjs", "deno");
ensurePrograms();

// Everything that gateways say and keep meanwhile, for one search at the end.
const collected = mkdtempSync(join(tmpdir(), "weir-test-output-"));
process.env.WEIR_TEST_OUTPUT = collected;

let said = "";
const ending = await run(bun, ["test", ...process.argv.slice(2)], {
  overhear: (text) => {
    // Only the summary matters, and it comes last.
    said = (said + text).slice(-4096);
  },
});

/**
 * The totals of Bun's summary, which counts a file that could not be loaded as a failure; its JUnit report leaves that out.
 * @returns {{ passed: number, failed: number, skipped: number } | undefined}
 */
function totals() {
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

const { sources, secrets, found } = findSecrets(collected);
rmSync(collected, { recursive: true, force: true });
for (const place of found) console.log(`secret: ${place}`);
// A search that had nothing to search, or nothing to search for, proves nothing. It may be so where only some tests were asked for, and in a project
// whose tests gather nothing.
const isPartial = process.argv.length > 2 || !existsSync(join(root, "test/harness/collected.ts"));
const isProven = found.length === 0 && (isPartial || (sources > 0 && secrets > 0));
console.log(`secrets: ${found.length} found; looked for ${secrets} in what ${sources} gateways, commands and pages said`);

const sum = totals();
const good = isProven && ending.code === 0 && sum !== undefined && sum.failed === 0 && sum.passed > 0;
if (sum) console.log(`tests: ${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
else console.log(`tests: no totals; bun test ended with ${ending.signal ?? `exit code ${ending.code}`}`);
endAs({ ...ending, code: good ? 0 : ending.code || 1 });
