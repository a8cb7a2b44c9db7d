/** The machine, the versions of the programs and the commit of a run. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import type { Machine } from "./result.ts";
import { nginxVersion } from "./variants/index.ts";

export const machine = (): Machine => ({
  processors: cpus().length,
  model: cpus()[0]?.model ?? "unknown",
  kernel: release(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
});

export function versions(): Record<string, string> {
  const redis = /v=(\S+)/.exec(spawnSync("redis-server", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[1];
  return {
    weir: packageJson.version,
    bun: Bun.version,
    ...(redis === undefined ? {} : { redis }),
    ...(nginxVersion === undefined ? {} : { nginx: nginxVersion }),
  };
}

export function commit(): string {
  try {
    const git = (...words: string[]) =>
      execFileSync("git", words, { cwd: join(import.meta.dir, ".."), encoding: "utf8", stdio: "pipe" }).trim();
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+");
  } catch {
    return "unknown";
  }
}
