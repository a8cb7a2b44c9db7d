/** Deno's first start in a fresh clone: Deno takes packages from `node_modules`, and installs none by itself. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { EXIT_REFUSED } from "../contract/exit.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Set in the program that was started again, so that it is not started a third time. */
const MARK = "WEIR_PACKAGES_INSTALLED";

/** Whether `thrown` says that packages are missing, and they have not been installed just now. */
export function lacksPackages(thrown: unknown, environment: Readonly<Record<string, string | undefined>>): boolean {
  if (environment[MARK] !== undefined || existsSync(`${PROJECT}node_modules`)) return false;
  return thrown instanceof Error && /deno install/.test(thrown.message);
}

/**
 * Installs the packages that running needs, and runs `command` in place of this process: same streams, signals passed on, same exit code. Deno
 * looks for packages only once, so this process cannot use them.
 */
export function installAndStart(command: readonly string[], environment: Readonly<Record<string, string | undefined>>): void {
  process.stderr.write("weir: installing the packages of package.json …\n");
  // Without a lock file: Deno cannot read npm's, because of the names of its test packages.
  const words = ["install", "--prod", "--no-lock", "--quiet"];
  const { status } = spawnSync(process.execPath, words, { cwd: PROJECT, stdio: ["ignore", 2, 2] });
  if (status !== 0) {
    process.stderr.write("weir: the packages could not be installed; the lines above say why.\n");
    process.exit(EXIT_REFUSED);
  }
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, { env: { ...environment, [MARK]: "1" }, stdio: "inherit" });
  const { pid } = child;
  // Not by `ChildProcess.kill`: it first closes the channel between the two processes.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void (pid !== undefined && process.kill(pid, signal)));
  child.on("close", (code) => process.exit(code ?? EXIT_REFUSED));
}
