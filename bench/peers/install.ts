/** Installs a program with its ordinary client, or builds it, once. A file that is written last shows that the installation is complete. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "./peer.ts";

export interface Installable {
  name: string;
  version: string;
  /** The commands, in order, that install it into `folder`, which is empty at first. Files may be written there. */
  install(folder: string): Command[];
}

const INSTALL_MS = 10 * 60_000;
const ROOM_BYTES = 4 * 2 ** 30;
const KEPT_OUTPUT = 4_000;
const REASON_LENGTH = 400;
const STAMP = "installed.json";

const folderOf = ({ name, version }: Installable, cacheFolder: string): string => join(cacheFolder, `${name}-${version}`);

export const isInstalled = (wanted: Installable, cacheFolder: string): boolean => existsSync(join(folderOf(wanted, cacheFolder), STAMP));

/** Resolves to the folder of the program; rejects with a reason in one line. */
export async function installed(wanted: Installable, cacheFolder: string, tell: (what: string) => void): Promise<string> {
  const { name, version } = wanted;
  const folder = folderOf(wanted, cacheFolder);
  if (isInstalled(wanted, cacheFolder)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < ROOM_BYTES) throw new Error(`less than ${ROOM_BYTES / 2 ** 30} GiB are free beside the cache`);
  tell(`installing ${name} ${version}, once, in at most ${INSTALL_MS / 60_000} minutes`);
  const until = AbortSignal.timeout(INSTALL_MS);
  try {
    for (const command of wanted.install(folder)) await run(command, until);
  } catch (thrown) {
    // What was installed so far is not complete, and may be large.
    rmSync(folder, { recursive: true, force: true });
    throw new Error(oneLine(thrown instanceof Error ? thrown.message : String(thrown), cacheFolder));
  }
  writeFileSync(join(folder, STAMP), JSON.stringify({ name, version }));
  return folder;
}

function run({ words: [program = "", ...words], environment }: Command, until: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // In a separate process group, so that all processes that the client starts can be ended with it.
    const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment }, detached: true });
    let output = "";
    const take = (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-KEPT_OUTPUT);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const stop = () => process.kill(-(child.pid ?? 0), "SIGKILL");
    until.addEventListener("abort", stop);
    child.once("error", (error: NodeJS.ErrnoException) => {
      until.removeEventListener("abort", stop);
      reject(new Error(error.code === "ENOENT" ? `${program} is not installed` : error.message));
    });
    child.once("close", (code) => {
      until.removeEventListener("abort", stop);
      if (code === 0) resolve();
      else if (until.aborted) reject(new Error(`${program} took longer than ${INSTALL_MS / 60_000} minutes`));
      else reject(new Error(`${program} ended with ${code}: ${telling(output)}`));
    });
  });
}

/** The lines that say what went wrong, or the last ones. */
function telling(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => /error|forbidden|refused|not found|no matching/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(-3).join(" ");
}

/** A reason becomes part of the results, so it must have no folder of this machine and no address from a client's settings. */
export const oneLine = (text: string, folder: string): string =>
  text
    .replaceAll(folder, "…")
    .replaceAll(process.env.HOME ?? folder, "~")
    .replaceAll(/\bhttps?:\/\/[^\s"'<>)]*[^\s"'<>).,:;]/g, "…")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, REASON_LENGTH);
