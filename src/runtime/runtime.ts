/**
 * The only file that knows which runtime this is. Everything else uses web standards and `node:` modules, which Bun and Deno share.
 */
import process from "node:process";
import type { Identity } from "../contract/config.ts";
import type { ServerOptions } from "../http/server.ts";
import { serveOnNode } from "./node-sockets.ts";
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
  // Unused parts of pages go back too, but at most once in ten seconds, so that they cost little under load: a start frees more than it keeps.
  MIMALLOC_PURGE_HOLES: "1",
  MIMALLOC_PURGE_HOLES_MIN_INTERVAL: "10000",
  // Fewer, larger collections cost less in all than many small ones, though each pause is longer; and no second thread works on them.
  BUN_JSC_largeHeapSize: "67108864",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_GC_TIMER_INTERVAL: "30000",
  // The heap is collected sooner when it fills much of its memory. Without this the runtime assumes the whole machine's memory, even in a container.
  BUN_JSC_forceRAMSize: String(heapBytes),
});

/**
 * Starts this program anew where the runtime lacks one of these settings: in this process, with its id, streams and arguments. Returns where nothing
 * has to be set, or where this is not possible.
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
  // A one-file executable has no script: its second word is the path where it was unpacked in memory.
  const isOneFile = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(argv[1] ?? "");
  return [execPath, ...(isOneFile ? [] : flags), ...argv.slice(isOneFile ? 2 : 1)];
}

/** Whether this runtime takes packages from `node_modules` and installs none by itself. */
export const wantsPackagesInstalled: boolean = globalThis.Deno !== undefined;

/** The runtime's name and version, for logs and `weir_build_info`: `bun 1.4.5`, `deno 2.9.6`. */
export function runtimeName(): string {
  return globalThis.Deno ? `deno ${globalThis.Deno.version.deno}` : `bun ${Bun.version}`;
}

/** What a person types before a command of Weir, in a clone of the repository. */
export function program(): string {
  // A user of Deno may have no npm, and npm would replace Deno's packages with its own.
  return globalThis.Deno ? "deno run -A src/main.ts" : "npx weir";
}

/** Whether `error` says that a port is in use. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
