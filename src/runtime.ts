/**
 * The only file that knows which runtime this is. Everything else uses web standards and `node:` modules, which Bun and Deno share.
 */
import process from "node:process";

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

/** The command line that starts this program once more, with the same arguments: program first. */
export function sameCommand(): string[] {
  const { execPath, execArgv, argv } = process;
  // Deno does not tell its own flags, and shares a port only under this one.
  const flags = globalThis.Deno ? ["run", "-A", "--unstable-net"] : execArgv;
  return [execPath, ...flags, ...argv.slice(1)];
}

/** For logs and `weir_build_info`: `bun 1.4.5`, `deno 2.9.6`. */
export function runtimeName(): string {
  return globalThis.Deno ? `deno ${globalThis.Deno.version.deno}` : `bun ${Bun.version}`;
}

/** True where `error` says that a port is taken, however the runtime puts it. */
export function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && (("code" in error && error.code === "EADDRINUSE") || error.name === "AddrInUse");
}
