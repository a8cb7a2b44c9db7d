/** A Python with given packages from PyPI, for the tests that use the official Python clients. Made once and kept in `.cache/python`. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
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
  if (existsSync(folder)) return { program, missing: undefined };
  // Made in another folder and moved when it is whole: another test file may do the same meanwhile, and a run may be interrupted.
  const making = `${folder}-${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  const missing = install(making, requirements);
  if (missing === undefined && !existsSync(folder)) moveTo(folder, making);
  rmSync(making, { recursive: true, force: true });
  return missing === undefined ? { program, missing } : { program: undefined, missing };
}

/** Python compiles what it uses, as it uses it: the libraries are large, and the tests use little of them. */
const INSTALL = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--retries", "1"];

/** With the machine's pip, which takes half the time; where that is missing or too old, with a pip in the folder. @returns undefined where all went well */
function install(folder: string, requirements: readonly string[]): string | undefined {
  const program = join(folder, "bin/python");
  const quick =
    run("python3", ["-m", "venv", "--without-pip", folder]) ??
    run("python3", ["-m", "pip", "--python", program, ...INSTALL, ...requirements]);
  if (quick === undefined) return undefined;
  rmSync(folder, { recursive: true, force: true });
  return run("python3", ["-m", "venv", folder]) ?? run(program, ["-m", "pip", ...INSTALL, ...requirements]);
}

function moveTo(folder: string, making: string): void {
  try {
    renameSync(making, folder);
  } catch (thrown) {
    // Another test file was quicker.
    if (!existsSync(folder)) throw thrown;
  }
}

/** @returns what went wrong, or undefined */
function run(program: string, words: string[]): string | undefined {
  const { status, stderr, stdout, error } = spawnSync(program, words, { encoding: "utf8", timeout: STEP_TIMEOUT_MS });
  if (status === 0) return undefined;
  // Debian's venv writes its errors to standard output.
  const said = [stderr, stdout].flatMap((text) => (text ?? "").split("\n")).filter((line) => line.trim() !== "");
  const cause = said.findLast((line) => line.startsWith("ERROR")) ?? said.at(-1);
  return `${program} ${words.slice(0, 3).join(" ")}: ${error?.message ?? cause ?? `exit ${status}`}`;
}
