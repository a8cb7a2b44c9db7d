/** A folder with given packages from npm, for clients that cannot be installed beside others by `package.json`. Made once and kept in `.cache/npm`. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./library.ts";

const INSTALL_TIMEOUT_MS = 120_000;

export type NpmFolder = { folder: string; missing: undefined } | { folder: undefined; missing: string };

/** @param packages with exact versions: `@langchain/core@1.4.0` */
export function npmFolder(packages: readonly string[]): NpmFolder {
  const folder = join(ROOT, ".cache/npm", createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 16));
  // Written last: a folder without it was left by a run that was interrupted.
  const receipt = join(folder, "weir-complete");
  if (existsSync(receipt)) return { folder, missing: undefined };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const words = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--fetch-retries=0", ...packages];
  const { status, stderr, error } = spawnSync("npm", words, { cwd: folder, encoding: "utf8", timeout: INSTALL_TIMEOUT_MS });
  if (status !== 0) {
    const cause = error?.message ?? stderr?.split("\n").find((line) => line.startsWith("npm error")) ?? `exit ${status}`;
    return { folder: undefined, missing: `npm install ${packages.join(" ")}: ${cause}` };
  }
  writeFileSync(receipt, `${packages.join("\n")}\n`);
  return { folder, missing: undefined };
}
