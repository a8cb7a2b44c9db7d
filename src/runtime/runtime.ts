/**
 * The only file that knows which runtime this is. Everything else uses web standards and `node:` modules, which Bun and Deno share.
 */
import process from "node:process";
import type { OpenStream } from "../contract/stream.ts";
import type { Clocks, Turn } from "../contract/turn.ts";
import { DirectStream } from "./direct-stream.ts";
import { flawOfHost, flawOfParts, flawOfPath, rawPatterns } from "./door.ts";
import { type Listening, Resumable } from "./resumable.ts";
import { cutStillReaders, StandardStream } from "./standard-stream.ts";

/** What of Deno is used here; its global types would clash with Bun's. */
interface DenoRuntime {
  version: { deno: string };
  serve(
    options: { hostname: string; port: number; reusePort: boolean; onListen: () => void; onError: (error: unknown) => Response },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Response | Promise<Response>,
  ): { addr: { hostname: string; port: number }; shutdown(): Promise<void>; finished: Promise<void> };
}

declare global {
  var Deno: DenoRuntime | undefined;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting; resolves once the calls that are open have ended. */
  close(): Promise<void>;
  /** The runtime has stopped taking clients by itself. */
  readonly gaveUp: boolean;
  /** Takes no new clients for a while; those that are there are served on. */
  pause(): void;
  /** Takes clients again, on the same port, after a pause or where the runtime has given up; false where that cannot be had now. */
  resume(): boolean;
  /** Whose turn it is from now on, on the connection of a request that is being answered: the clock of that turn starts. */
  turn(request: Request, turn: Turn): void;
  /** Who asks, as the connection tells, while the request is being answered; `unknown` where it does not, or `tellsAddresses` is off. */
  addressOf(request: Request): string;
}

export interface ListenOptions {
  host: string;
  port: number;
  clocks: Clocks;
  handle: (request: Request) => Response | Promise<Response>;
  /** In place of `handle`, where a request's address cannot be told or must not be followed. */
  refuse: (request: Request, flaw: string) => Response;
  /** What `handle` has thrown: a fault of ours. The client gets a bare 500. */
  onFault: (thrown: unknown) => void;
  /** Other processes listen on this port too, and the system shares the connections out (Linux). Default: false. */
  shared?: boolean;
  /** Whether `Listener.addressOf` is going to be asked. */
  tellsAddresses?: boolean;
}

const UNKNOWN_ADDRESS = "unknown";
/** Bun's clock counts in steps of four seconds, and the first may pass at once. */
const STEP_SECONDS = 4;
/** It holds no more. */
const MOST_SECONDS = 255;

/**
 * Starts listening.
 * @throws an error with `code: "EADDRINUSE"` where the port is taken.
 */
export function listen(options: ListenOptions): Listener {
  const { Deno } = globalThis;
  const start: (port: number) => Listening = Deno === undefined ? startOnBun(options) : startOnDeno(Deno, options);
  return new Resumable(start, options.port);
}

/** Its server has no clocks: a connection stays as long as its client likes, but where it takes nothing of a stream. */
function startOnDeno(deno: DenoRuntime, { host, clocks, handle, refuse, onFault, shared = false, tellsAddresses = false }: ListenOptions) {
  cutStillReaders(clocks.readingMs);
  const addresses = new WeakMap<Request, string>();
  const take = (request: Request, { remoteAddr }: { remoteAddr: { hostname?: string } }) => {
    const flaw = flawOfHost(request.headers) ?? flawOfPath(request.url);
    if (flaw !== undefined) return refuse(request, flaw);
    if (tellsAddresses) addresses.set(request, remoteAddr.hostname ?? UNKNOWN_ADDRESS);
    return handle(request);
  };
  const onError = (thrown: unknown) => faultResponse(thrown, onFault);
  return (port: number): Listening => {
    const server = deno.serve({ hostname: host, port, reusePort: shared, onListen: () => {}, onError }, take);
    return {
      port: server.addr.port,
      // It fails where no descriptor is left for a new client.
      over: server.finished,
      stop: () => server.shutdown(),
      turn: () => {},
      addressOf: (request) => addresses.get(request) ?? UNKNOWN_ADDRESS,
    };
  };
}

/**
 * Its server gives the first head of a connection ten seconds, whatever comes of it. After that one clock runs: it starts anew with each request, where a
 * client takes what is written, and with every 160 kB that it sends; and not with less, so that a trickle does not hold a connection.
 */
function startOnBun({ host, clocks, handle, refuse, onFault, shared = false }: ListenOptions) {
  const take = (request: Request & { params?: Record<string, string> }) => {
    const flaw = flawOfHost(request.headers) ?? flawOfParts(request.params);
    return flaw === undefined ? handle(request) : refuse(request, flaw);
  };
  const seconds = (milliseconds: number) => Math.min(MOST_SECONDS, Math.ceil(milliseconds / 1000) + STEP_SECONDS);
  const secondsOf: Record<Turn, number> = {
    sending: seconds(clocks.sendingMs),
    waiting: 0,
    reading: seconds(clocks.readingMs),
    idle: seconds(clocks.idleMs),
  };
  return (port: number): Listening => {
    const server = Bun.serve({
      hostname: host,
      port,
      reusePort: shared,
      idleTimeout: secondsOf.idle,
      // The gateway has a limit of its own, and answers in the client's dialect; Bun's would be a bare 413.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // Whatever NODE_ENV says: no page with our source for whoever asks.
      development: false,
      error: (thrown) => faultResponse(thrown, onFault),
      routes: Object.fromEntries(rawPatterns().map((pattern) => [pattern, take])),
      fetch: take,
    });
    return {
      port: server.port ?? port,
      over: undefined,
      stop: () => server.stop(false),
      turn: (request, turn) => server.timeout(request, secondsOf[turn]),
      addressOf: (request) => server.requestIP(request)?.address ?? UNKNOWN_ADDRESS,
    };
  };
}

function faultResponse(thrown: unknown, onFault: (thrown: unknown) => void): Response {
  onFault(thrown);
  return Response.json({ error: { message: "An internal error occurred." } }, { status: 500 });
}

/** The kind of stream that this runtime sends at the least cost. */
export const openStream: OpenStream = globalThis.Deno ? (owner) => new StandardStream(owner) : (owner) => new DirectStream(owner);

/**
 * What a busy gateway wants of the runtime; read by it before it runs a line of ours. Each can be set otherwise in the environment.
 * docs/benchmarks.md has what they are worth.
 */
const settingsFor = (heapBytes: number): Readonly<Record<string, string>> => ({
  // Memory that was freed goes back to the system after ten seconds and not at once: what a call frees, the next one takes.
  MIMALLOC_PURGE_DELAY: "10000",
  MIMALLOC_PURGE_HOLES: "0",
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
