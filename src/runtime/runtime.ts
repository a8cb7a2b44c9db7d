/**
 * The only file that knows which runtime this is. Everything else uses web standards and `node:` modules, which Bun and Deno share.
 */
import process from "node:process";
import type { Identity } from "../contract/config.ts";
import type { ServerOptions } from "../http/server.ts";
import { serveOnNode } from "./node-sockets.ts";
import { Resumable } from "./resumable.ts";
import { serveOnSockets } from "./sockets.ts";

/** What of Deno is used here; its global types would clash with Bun's. */
interface DenoRuntime {
  version: { deno: string };
}

declare global {
  var Deno: DenoRuntime | undefined;
}

export interface Listener {
  readonly port: number;
  /** Answers tell their clients from now on to connect anew for the next call. */
  retire(): void;
  /** Stops accepting; resolves once the calls that are open have ended. */
  close(): Promise<void>;
  /** How many connections are open. */
  readonly connections: number;
  /** The runtime has stopped taking clients by itself. */
  readonly gaveUp: boolean;
  /** Takes no new clients for a while; the calls that are open are served on. */
  pause(): void;
  /** Takes clients again, on the same port, after a pause or where the runtime has given up; false where that cannot be had now. */
  resume(): Promise<boolean>;
}

export interface ListenOptions extends ServerOptions {
  host: string;
  port: number;
  /** TLS, by what is current when a client connects. Undefined: plain HTTP. */
  identity?: { readonly current: Identity } | undefined;
  /** Other processes listen on this port too, and the system shares the connections out (Linux). Default: false. */
  shared?: boolean;
}

/** Starts listening. Rejects with an error of `code: "EADDRINUSE"` where the port is taken. */
export function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, shared = false, identity } = options;
  const serve = globalThis.Deno === undefined ? serveOnSockets : serveOnNode;
  return Resumable.open(serve(options, { host, shared, identity }), port);
}

/**
 * What a busy gateway wants of the runtime; read by it before it runs a line of ours. Each can be set otherwise in the environment.
 * docs/benchmarks.md has what they are worth.
 */
const settingsFor = (heapBytes: number): Readonly<Record<string, string>> => ({
  // Memory that was freed goes back to the system after half a second and not at once: what a call frees, the next one takes. After ten seconds, clients that
  // send bodies of megabytes made a process of one worker keep half a gigabyte more.
  MIMALLOC_PURGE_DELAY: "500",
  // Of pages that are used in part, the rest goes back as well, but not again and again under load: a start leaves behind more than it keeps.
  MIMALLOC_PURGE_HOLES: "1",
  MIMALLOC_PURGE_HOLES_MIN_INTERVAL: "10000",
  // Fewer, larger collections cost less in all than many small ones, though each stands still for longer; and no second thread works on them.
  BUN_JSC_largeHeapSize: "67108864",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_GC_TIMER_INTERVAL: "30000",
  // A heap that takes much of what there is for it is collected sooner. The runtime would take the whole machine for its own, whatever the container.
  BUN_JSC_forceRAMSize: String(heapBytes),
});

/**
 * Starts this program over where the runtime lacks one of its settings: in this process, with its id, streams and arguments. Returns where there
 * is nothing to set, or no way to.
 * @param heapBytes - Memory that there is for each of its heaps.
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
    // Not allowed here: it runs with what it has.
  }
}

/** The command line that starts this program once more, with the same arguments: program first. */
export function sameCommand(): string[] {
  const { execPath, execArgv, argv } = process;
  // Deno does not tell its own flags.
  const flags = globalThis.Deno ? ["run", "-A"] : execArgv;
  // A program that is one file with its runtime names no script: the second word is where it was unpacked in memory.
  const isOneFile = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(argv[1] ?? "");
  return [execPath, ...(isOneFile ? [] : flags), ...argv.slice(isOneFile ? 2 : 1)];
}

/** Whether this runtime takes packages from `node_modules` and puts none there by itself. */
export const wantsPackagesInstalled: boolean = globalThis.Deno !== undefined;

/** For logs and `weir_build_info`: `bun 1.4.5`, `deno 2.9.6`. */
export function runtimeName(): string {
  return globalThis.Deno ? `deno ${globalThis.Deno.version.deno}` : `bun ${Bun.version}`;
}

/** What a person types in a clone of the repository before a command of Weir. */
export function program(): string {
  // Whoever runs Deno may have no npm, and npm would put its own packages in the place of Deno's.
  return globalThis.Deno ? "deno run -A src/main.ts" : "npx weir";
}

/** True where `error` says that a port is taken. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
