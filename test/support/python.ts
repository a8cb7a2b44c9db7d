/** A Python with given packages from PyPI, for the tests that use the official Python clients. Made once and kept in `.cache/python`. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const CACHE = join(import.meta.dir, "../../.cache/python");
const STEP_TIMEOUT_MS = 180_000;

/** The program to run, or why there is none: tests that need it are then reported as not run, with this reason. */
export type Python = { program: string; missing: undefined } | { program: undefined; missing: string };

/**
 * @param requirements exact ones, as pip takes them: `anthropic==2.12.0`
 */
export function pythonWith(requirements: readonly string[]): Python {
  const name = createHash("sha256").update(requirements.join("\n")).digest("hex").slice(0, 16);
  const folder = join(CACHE, name);
  const program = join(folder, "bin/python");
  // Written last: a folder without it was left by a run that was interrupted.
  const receipt = join(folder, "weir-complete");
  if (existsSync(receipt)) return { program, missing: undefined };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  const missing =
    run("python3", ["-m", "venv", folder]) ??
    run(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1", ...requirements]);
  if (missing !== undefined) return { program: undefined, missing };
  writeFileSync(receipt, `${requirements.join("\n")}\n`);
  return { program, missing: undefined };
}

/** Undefined where all went well. */
function run(program: string, words: string[]): string | undefined {
  const { status, stderr, stdout, error } = spawnSync(program, words, { encoding: "utf8", timeout: STEP_TIMEOUT_MS });
  if (status === 0) return undefined;
  // Debian's venv explains itself on standard output.
  const said = [stderr, stdout].flatMap((text) => (text ?? "").split("\n")).filter((line) => line.trim() !== "");
  const cause = said.findLast((line) => line.startsWith("ERROR")) ?? said.at(-1);
  return `${program} ${words.slice(0, 3).join(" ")}: ${error?.message ?? cause ?? `exit ${status}`}`;
}
