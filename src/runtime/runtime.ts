/**
 * The only file that knows which runtime this is. Everything else uses web standards and `node:` modules, which Bun and Deno share.
 */
import process from "node:process";
import type { Identity } from "../contract/config.ts";
import type { ServerOptions } from "../http/server.ts";
import { serveOnNode } from "./node-sockets.ts";
import { isInExecutable, programOf } from "./program.ts";
import { Resumable } from "./resumable.ts";
import { serveOnSockets } from "./sockets.ts";

/** The parts of Deno that are used here; its global types would clash with Bun's. */
interface DenoRuntime {
  version: { deno: string };
}

declare global {
  var Deno: DenoRuntime | undefined;
}

export interface Listener {
  readonly port: number;
  /** From now on answers ask their clients to open a new connection for the next call. */
  retire(): void;
  /** Stops accepting clients; resolves when the open calls have ended. */
  close(): Promise<void>;
  /** Number of open connections. */
  readonly connections: number;
  /** The runtime has stopped accepting clients by itself. */
  readonly gaveUp: boolean;
  /** Accepts no new clients for a while; open calls are still served. */
  pause(): void;
  /** Accepts clients again on the same port, after a pause or after the runtime has given up; false where this is not possible now. */
  resume(): Promise<boolean>;
}

export interface ListenOptions extends ServerOptions {
  host: string;
  port: number;
  /** TLS with the certificate that is current when a client connects. Undefined: plain HTTP. */
  identity?: { readonly current: Identity } | undefined;
  /** Other processes listen on this port too, and the system shares the connections out (Linux). Default: false. */
  shared?: boolean;
}

/** Starts listening. Rejects with an error of `code: "EADDRINUSE"` where the port is in use. */
export function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, shared = false, identity } = options;
  const serve = globalThis.Deno === undefined ? serveOnSockets : serveOnNode;
  return Resumable.open(serve(options, { host, shared, identity }), port);
}

/**
 * Settings of the runtime for a busy gateway. The runtime reads them before it runs our code. Each can be overridden in the environment;
 * docs/benchmarks.md has their measured effect.
 */
const settingsFor = (heapBytes: number): Readonly<Record<string, string>> => ({
  // Freed memory goes back to the system after half a second, not at once: the next call can use it again. With ten seconds, clients that
  // send bodies of megabytes made a process of one worker keep half a gigabyte more.
  MIMALLOC_PURGE_DELAY: "500",
  // Unused parts of pages go back too, but at most once in two seconds, so that they cost little under load: a start frees more than it keeps.
  MIMALLOC_PURGE_HOLES: "1",
  MIMALLOC_PURGE_HOLES_MIN_INTERVAL: "2000",
  // A few large collections cost less in total than many small ones, though each pause is longer. No second thread works on them.
  BUN_JSC_largeHeapSize: "67108864",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_GC_TIMER_INTERVAL: "30000",
  // The heap is collected sooner when it fills much of its memory. Without this the runtime assumes the whole machine's memory, even in a container.
  BUN_JSC_forceRAMSize: String(heapBytes),
});

/**
 * Starts this program again where the runtime lacks one of these settings: in the same process, with its id, streams and arguments. Returns where no
 * setting is missing, or where this is not possible.
 * @param heapBytes - Memory for each heap of the program, in bytes.
 */
export function startTuned(environment: Readonly<Record<string, string | undefined>>, heapBytes: number): void {
  if (globalThis.Deno || process.execve === undefined || process.platform === "win32") return;
  const settings = settingsFor(heapBytes);
  if (Object.keys(settings).every((name) => environment[name] !== undefined)) return;
  const [program = process.execPath, ...words] = sameCommand();
  const given = Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
  try {
    process.execve(program, [program, ...words], { ...settings, ...given });
  } catch {
    // The system does not allow it: the program runs without the settings.
  }
}

/** The command line that starts this program once more, with the same arguments: program first. */
export function sameCommand(): string[] {
  const { execPath, execArgv, argv } = process;
  // Deno does not report its own flags.
  const flags = globalThis.Deno ? ["run", "-A"] : execArgv;
  const isOneFile = isInExecutable(argv[1] ?? "");
  return [execPath, ...(isOneFile ? [] : flags), ...argv.slice(isOneFile ? 2 : 1)];
}

/** Whether this runtime takes packages from `node_modules` and installs none by itself. */
export const wantsPackagesInstalled: boolean = globalThis.Deno !== undefined;

/** The runtime's name and version, for logs and `weir_build_info`: `bun 1.4.5`, `deno 2.9.6`. */
export function runtimeName(): string {
  return globalThis.Deno ? `deno ${globalThis.Deno.version.deno}` : `bun ${Bun.version}`;
}

/**
 * The words that a person types before a command of Weir, in the folder where this process was started: `npx weir`.
 * @param environment - of this process
 */
export function program(environment: Readonly<Record<string, string | undefined>>): string {
  const { execPath, argv } = process;
  return programOf({ execPath, script: argv[1] ?? "", folder: currentFolder(), isDeno: globalThis.Deno !== undefined, environment });
}

/** Undefined where the folder was removed while this process ran. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Whether `error` says that a port is in use. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

/** Addresses for which `fetch`, and programs that Weir starts, must not use a proxy: the proxy would look for them on its own machine. */
const LOOPBACK = "localhost,127.0.0.0/8,127.0.0.1,::1";

const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/**
 * Makes sure that calls to this machine's loopback go through no proxy: those of a supervisor to its processes, and those of a command with its admin token.
 * To be called before the first `fetch`: Deno reads the environment then, and never again.
 */
export function spareLoopback(environment: Record<string, string | undefined>): void {
  if (!PROXIES.some((name) => environment[name] || environment[name.toLowerCase()])) return;
  // Where both variables are set, a runtime reads only one of them, and runtimes differ in which.
  const lists = ["NO_PROXY", "no_proxy"].filter((name) => environment[name]);
  for (const name of lists.length === 0 ? ["NO_PROXY"] : lists) {
    const list = environment[name] ?? "";
    if (list.trim() === "*" || list.endsWith(LOOPBACK)) continue;
    environment[name] = list === "" ? LOOPBACK : `${list},${LOOPBACK}`;
  }
}
