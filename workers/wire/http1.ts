/**
 * The HTTP/1.1 client for upstreams, over plain sockets. Beside it: the parser (`http1-parser.ts`), the request's bytes (`http1-request.ts`),
 * opening connections (`sockets/`, `proxy.ts`, `authorities.ts`), keeping them (`pool.ts`), the life of a call (`exchange.ts`) and the clock (`clock.ts`).
 *
 * A call is an `Exchange`. It takes an idle `PooledConnection` of its origin (the one used last, which is the least likely to have been closed) or dials a new one;
 * nothing waits for a free connection, so there is no limit to open calls but the system's.
 */
import type { Timeouts } from "../../src/contract/config.ts";
import { Wheel } from "./clock.ts";
import { Exchange } from "./exchange.ts";
import type { HttpClient, HttpEvents, HttpExchange, HttpRequest, Origin } from "./http.ts";
import { ConnectionPool, type PooledConnection } from "./pool.ts";
import { Portions } from "./portions.ts";
import { type ProxyChoice, type ProxyServer, type ProxySettings, proxyChoice } from "./proxy.ts";
import { dialNative, hasNativeSockets, lingering } from "./sockets/native.ts";
import { dialNode } from "./sockets/node.ts";
import type { Dial } from "./sockets/wire.ts";

/** `node`: the sockets of `node:net` everywhere. `native`: the sockets of the runtime, where it has such and can use them. */
type SocketKind = "native" | "node";

export interface Http1Options {
  /** Proxy settings from the environment; only `config.ts` reads them. */
  proxy?: ProxySettings | undefined;
  /** The thread's clock; a client without one makes its own. */
  wheel?: Wheel | undefined;
  /** How long an idle connection is kept where the upstream does not say. */
  idleMs?: number | undefined;
  /** Native where it is not said. */
  sockets?: SocketKind | undefined;
}

/** Below the 60 s of AWS's load balancers, the shortest of our upstreams. */
const IDLE_MS = 30_000;

/** How often idle connections are looked over. */
const SWEEP_MS = 1000;

/**
 * A native dial that was given up keeps its descriptor until the system gives up too (two minutes). So many of them may be left in a thread.
 * While there are more, the packets to some upstream are being dropped, and connections are dialled by the sockets that can be taken back.
 */
const MOST_LINGERING = 64;

const dialDirect: Dial = (route, settled) => (lingering() < MOST_LINGERING ? dialNative : dialNode)(route, settled);

/** How connections of one origin are opened. A tunnel changes hands after CONNECT, which native sockets cannot do. */
function dialer(kind: SocketKind, proxy: ProxyServer | undefined): Dial {
  return kind === "node" || proxy !== undefined || !hasNativeSockets ? dialNode : dialDirect;
}

/** @throws Error for proxy settings that cannot be used. */
export function createHttp1Client(options: Http1Options = {}): HttpClient {
  return new Http1Client(options);
}

class Http1Client implements HttpClient {
  readonly wheel: Wheel;
  readonly portions = new Portions();
  readonly #idleMs: number;
  readonly #sweepMs: number;
  readonly #choose: ProxyChoice;
  readonly #sockets: SocketKind;
  /** Weak, because a reloaded configuration brings new origins and forgets the old. */
  readonly #pools = new WeakMap<Origin, ConnectionPool>();
  /** Pools that hold idle connections. */
  readonly #idle = new Set<ConnectionPool>();
  readonly #open = new Set<Exchange>();
  #closed = false;
  /** The wheel has a ticket for `#sweep`. */
  #isSweeping = false;

  constructor(options: Http1Options) {
    this.wheel = options.wheel ?? new Wheel();
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#sweepMs = Math.min(SWEEP_MS, this.#idleMs);
    this.#choose = proxyChoice(options.proxy);
    this.#sockets = options.sockets ?? "native";
  }

  send(request: HttpRequest, timeouts: Timeouts, events: HttpEvents): HttpExchange {
    const exchange = new Exchange(this, this.#pool(request.origin), request, timeouts, events);
    if (this.#closed) exchange.refuse("unreachable", "the HTTP client is closed");
    else {
      this.#open.add(exchange);
      exchange.start(request);
    }
    return exchange;
  }

  close(): void {
    this.#closed = true;
    for (const pool of this.#idle) pool.clear();
    this.#idle.clear();
    for (const exchange of this.#open) exchange.refuse("broken", "the HTTP client was closed");
  }

  forget(origin: Origin): void {
    const pool = this.#pool(origin);
    pool.isForgotten = true;
    pool.clear();
    this.#idle.delete(pool);
  }

  left(exchange: Exchange): void {
    this.#open.delete(exchange);
  }

  keep(connection: PooledConnection, hintSeconds: number): void {
    // A second less than the upstream's own limit, for the way there.
    const idleMs = hintSeconds > 0 ? Math.min(this.#idleMs, (hintSeconds - 1) * 1000) : this.#idleMs;
    if (this.#closed || connection.pool.isForgotten || idleMs <= 0) {
      connection.destroy();
      return;
    }
    // Not by whether `#idle` is empty: `forget` may have emptied it since, and the ticket still runs.
    if (!this.#isSweeping) this.wheel.schedule(this.#sweepMs, () => this.#sweep());
    this.#isSweeping = true;
    connection.idleUntilMs = this.wheel.nowMs + idleMs;
    connection.pool.put(connection);
    this.#idle.add(connection.pool);
  }

  #pool(origin: Origin): ConnectionPool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      const proxy = this.#choose(origin);
      pool = new ConnectionPool(origin, proxy, dialer(this.#sockets, proxy));
      this.#pools.set(origin, pool);
    }
    return pool;
  }

  #sweep(): number {
    for (const pool of this.#idle) {
      pool.sweep(this.wheel.nowMs);
      if (pool.empty) this.#idle.delete(pool);
    }
    this.#isSweeping = this.#idle.size > 0;
    return this.#isSweeping ? this.#sweepMs : 0;
  }
}
