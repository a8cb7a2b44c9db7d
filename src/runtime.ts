/**
 * The only file that knows which runtime this is. Everything else uses web standards and `node:` modules, which Bun and Deno share.
 */
import process from "node:process";
import type { OpenStream } from "./contract/stream.ts";
import { DirectStream } from "./runtime/direct-stream.ts";
import { StandardStream } from "./runtime/standard-stream.ts";

/** What of Deno is used here; its global types would clash with Bun's. */
interface DenoRuntime {
  version: { deno: string };
  serve(
    options: { hostname: string; port: number; reusePort: boolean; onListen: () => void; onError: (error: unknown) => Response },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Response | Promise<Response>,
  ): { addr: { hostname: string; port: number }; shutdown(): Promise<void> };
}

declare global {
  var Deno: DenoRuntime | undefined;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting; resolves once the calls that are open have ended. */
  close(): Promise<void>;
  /** Lifts the clock on a silent connection while this request is being answered: an upstream may think for minutes. */
  holdOpen(request: Request): void;
  /** Who asks, as the connection tells, while the request is being answered; `unknown` where it does not, or `tellsAddresses` is off. */
  addressOf(request: Request): string;
}

export interface ListenOptions {
  host: string;
  port: number;
  handle: (request: Request) => Response | Promise<Response>;
  /** Other processes listen on this port too, and the system shares the connections out (Linux). Default: false. */
  shared?: boolean;
  /** Whether `Listener.addressOf` is going to be asked. */
  tellsAddresses?: boolean;
}

/** Seconds of silence after which an idle connection, or one that never finishes sending its request, is closed (Bun; Deno keeps it). */
const IDLE_SECONDS = 120;

const UNKNOWN_ADDRESS = "unknown";

/**
 * Starts listening.
 * @throws an error with `code: "EADDRINUSE"` where the port is taken.
 */
export function listen({ host, port, handle, shared = false, tellsAddresses = false }: ListenOptions): Listener {
  if (globalThis.Deno) {
    const addresses = new WeakMap<Request, string>();
    const remembering = (request: Request, { remoteAddr }: { remoteAddr: { hostname?: string } }) => {
      addresses.set(request, remoteAddr.hostname ?? UNKNOWN_ADDRESS);
      return handle(request);
    };
    const server = globalThis.Deno.serve(
      { hostname: host, port, reusePort: shared, onListen: () => {}, onError: () => new Response(null, { status: 500 }) },
      tellsAddresses ? remembering : handle,
    );
    const addressOf = (request: Request) => addresses.get(request) ?? UNKNOWN_ADDRESS;
    return { port: server.addr.port, close: () => server.shutdown(), holdOpen: () => {}, addressOf };
  }
  const server = Bun.serve({
    hostname: host,
    port,
    reusePort: shared,
    idleTimeout: IDLE_SECONDS,
    // The gateway has a limit of its own, and answers in the client's dialect; Bun's would be a bare 413.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: handle,
  });
  return {
    port: server.port ?? port,
    close: () => server.stop(false),
    holdOpen: (request) => server.timeout(request, 0),
    addressOf: (request) => server.requestIP(request)?.address ?? UNKNOWN_ADDRESS,
  };
}

/** The kind of stream that this runtime sends at the least cost. */
export const openStream: OpenStream = globalThis.Deno ? (owner) => new StandardStream(owner) : (owner) => new DirectStream(owner);

/**
 * What a busy gateway wants of the runtime; read by it before it runs a line of ours. Each can be set otherwise in the environment.
 * docs/benchmarks.md has what they are worth.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // Memory that was freed goes back to the system after ten seconds and not at once: what a call frees, the next one takes.
  MIMALLOC_PURGE_DELAY: "10000",
  MIMALLOC_PURGE_HOLES: "0",
  // Fewer, larger collections cost less in all than many small ones, though each stands still for longer; and no second thread works on them.
  BUN_JSC_largeHeapSize: "67108864",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_GC_TIMER_INTERVAL: "30000",
};

/**
 * Starts this program over where the runtime lacks one of its settings: in this process, with its id, streams and arguments. Returns where there
 * is nothing to set, or no way to.
 */
export function startTuned(environment: Readonly<Record<string, string | undefined>>): void {
  if (globalThis.Deno || process.execve === undefined || process.platform === "win32") return;
  if (Object.keys(SETTINGS).every((name) => environment[name] !== undefined)) return;
  const [program = process.execPath, ...words] = sameCommand();
  const given = Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
  try {
    process.execve(program, [program, ...words], { ...SETTINGS, ...given });
  } catch {
    // Not allowed here: it runs with what it has.
  }
}

/** The command line that starts this program once more, with the same arguments: program first. */
export function sameCommand(): string[] {
  const { execPath, execArgv, argv } = process;
  // Deno does not tell its own flags, and shares a port only under this one.
  const flags = globalThis.Deno ? ["run", "-A", "--unstable-net"] : execArgv;
  return [execPath, ...flags, ...argv.slice(1)];
}

/** Whether this runtime takes packages from `node_modules` and puts none there by itself. */
export const wantsPackagesInstalled: boolean = globalThis.Deno !== undefined;

/** For logs and `weir_build_info`: `bun 1.4.5`, `deno 2.9.6`. */
export function runtimeName(): string {
  return globalThis.Deno ? `deno ${globalThis.Deno.version.deno}` : `bun ${Bun.version}`;
}

/** True where `error` says that a port is taken, however the runtime puts it. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && (("code" in error && error.code === "EADDRINUSE") || error.name === "AddrInUse");
}
