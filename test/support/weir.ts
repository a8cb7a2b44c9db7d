/**
 * A gateway in another process, started as its users start it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { collectStore, register, registerSecretsOf, source } from "./collected.ts";

export type RuntimeName = "bun" | "deno";

export interface WeirOptions {
  runtime?: RuntimeName;
  /** Weir as one file, in place of a runtime and the sources. */
  executable?: string;
  /** The content of `weir.yaml` (JSON is YAML); undefined starts sandbox mode. `server.port` and `admin.port` default to any free port. */
  config?: Record<string, unknown>;
  environment?: Record<string, string>;
  arguments?: string[];
  /** Put in front of Weir's command line: a program that runs another program. */
  through?: readonly string[];
  /** Where it is started; the folder stays at the end. Default: a new empty folder, which is removed. */
  folder?: string;
}

export interface Weir {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  url: string;
  adminUrl: string;
  child: ChildProcess;
  /** Everything on standard output and error so far. */
  output(): string;
  /** The log so far, parsed. */
  log(): Record<string, unknown>[];
  /** Waits for a log line. */
  logged(predicate: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  /** Where its configuration lies; relative paths in it begin there. */
  folder: string;
  /** Writes another configuration into its file. */
  rewrite(config: Record<string, unknown>): void;
  /** Copies its metrics and its readiness, for the search for secrets after all tests; does nothing where the gateway has ended. */
  collect(): Promise<void>;
  /** Sends a signal and waits for the end; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Signals that come closer together count as one: a terminal and npm send one each. `src/runtime/signals.ts` has 500 ms. */
export const SEPARATE_MS = 600;

const ROOT = join(import.meta.dir, "../..");
/** Weir's entry. */
export const MAIN = join(ROOT, "src/main.ts");
/** The environment of what npm and npx start. */
export const BY_NPM = { npm_command: "exec", npm_config_user_agent: "npm/11.0.0 node/v24.0.0 linux x64" } as const;
/** The environment of what neither npm nor a script of package.json has started. */
export const BY_HAND = { npm_command: "", npm_config_user_agent: "" } as const;
const START_TIMEOUT_MS = 20_000;
const COLLECT_TIMEOUT_MS = 2_000;

/** The command line of a runtime for Weir's entry. */
function command(runtime: RuntimeName): string[] {
  return runtime === "bun" ? [process.execPath, MAIN] : [join(ROOT, "node_modules/.bin/deno"), "run", "-A", MAIN];
}

function writeConfig(folder: string, content: Record<string, unknown>): string {
  const file = join(folder, "weir.yaml");
  const config = content as { server?: object; admin?: object };
  registerSecretsOf(content);
  const server = { host: "127.0.0.1", port: 0, drain_grace: "0s", ...config.server };
  writeFileSync(file, JSON.stringify({ ...config, server, admin: { port: 0, ...config.admin } }));
  return file;
}

/** Spawns Weir in its folder, with its configuration if there is one. */
function spawnWeir(options: WeirOptions): { child: ChildProcess; folder: string } {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "weir-"));
  const words = [...(options.arguments ?? [])];
  if (options.config !== undefined) words.push("--config", writeConfig(folder, options.config));
  const weir = options.executable === undefined ? command(options.runtime ?? "bun") : [options.executable];
  const [program = "", ...before] = [...(options.through ?? []), ...weir];
  const child = spawn(program, [...before, ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1", ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { child, folder };
}

/** Runs Weir until it ends by itself: for its commands, and for starts that are refused. */
export async function runToEnd(
  runtime: RuntimeName,
  options: Omit<WeirOptions, "runtime">,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { child, folder } = spawnWeir({ ...options, runtime });
  const said = { stdout: "", stderr: "" };
  const note = source("command");
  child.stdout?.on("data", (bytes: Buffer) => {
    said.stdout += bytes.toString();
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    said.stderr += bytes.toString();
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  // These commands alone show a key, once, to the user who asked for it.
  const words = options.arguments ?? [];
  const showsKey = words.includes("keys") && (words.includes("create") || words.includes("rotate"));
  note(showsKey ? said.stderr : said.stdout + said.stderr);
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  return { code, ...said };
}

export async function startWeir(options: WeirOptions = {}): Promise<Weir> {
  const { child, folder } = spawnWeir(options);
  let output = "";
  const note = source("output");
  const listeners = new Set<() => void>();
  const take = (bytes: Buffer) => {
    output += bytes.toString();
    note(bytes.toString());
    for (const listener of listeners) listener();
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const exited = new Promise<number | null>((resolve) => {
    child.on("exit", (code) => {
      collectStore(folder);
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
      resolve(code);
      for (const listener of listeners) listener();
    });
  });
  const log = () => output.split("\n").flatMap(parseLine);
  const logged = (predicate: (line: Record<string, unknown>) => boolean) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const look = () => {
        const line = log().find(predicate);
        if (line === undefined && child.exitCode === null) return;
        listeners.delete(look);
        clearTimeout(timer);
        if (line !== undefined) resolve(line);
        else reject(new Error(`weir ended with ${child.exitCode} before it logged what was waited for:\n${output}`));
      };
      const timer = setTimeout(() => {
        listeners.delete(look);
        reject(new Error(`weir did not log what was waited for:\n${output}`));
      }, START_TIMEOUT_MS);
      listeners.add(look);
      look();
    });
  const stop = (signal: NodeJS.Signals = "SIGTERM") => {
    if (child.exitCode === null) child.kill(signal);
    return exited;
  };
  try {
    const listening = await logged((line) => line.message === "listening");
    const url = `http://127.0.0.1:${listening.port}`;
    const adminUrl = `http://127.0.0.1:${listening.admin_port}`;
    const collect = async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const pages = [`${adminUrl}/metrics`, `${adminUrl}/readyz`, `${url}/readyz`].map(async (page) => {
        const answer = await fetch(page, { signal: AbortSignal.timeout(COLLECT_TIMEOUT_MS) });
        return await answer.text();
      });
      for (const page of await Promise.allSettled(pages)) if (page.status === "fulfilled") source("page")(page.value);
    };
    return {
      url,
      adminUrl,
      collect,
      child,
      output: () => output,
      log,
      logged,
      folder,
      rewrite: (config) => void writeConfig(folder, config),
      stop,
    };
  } catch (thrown) {
    child.kill("SIGKILL");
    throw thrown;
  }
}

/** The entry of a key in `weir.yaml`. */
export function keyEntry(name: string, key: string): { name: string; sha256: string } {
  register(`the key "${name}"`, key);
  return { name, sha256: createHash("sha256").update(key).digest("hex") };
}

function parseLine(line: string): Record<string, unknown>[] {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? [parsed as Record<string, unknown>] : [];
  } catch {
    return [];
  }
}
