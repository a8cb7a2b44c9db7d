/** Connections of one origin, and what happens on one while it carries a call and while it does not. */
import type { Buffer } from "node:buffer";
import type { SecureContext } from "node:tls";
import { trust } from "./authorities.ts";
import type { Origin } from "./http.ts";
import type { ProxyServer } from "./proxy.ts";
import type { Dial, Wire, WireListener } from "./sockets/wire.ts";

/** The call that a connection carries. */
interface Carried {
  received(bytes: Buffer): void;
  /** The socket has sent what it was given and takes more. */
  write(): void;
  /** The connection is gone; `text` says how. `clean`: the peer ended it in order, so a body that lasts until then is whole. */
  lost(text: string, clean: boolean): void;
  /** Code of this call threw an exception: the call fails, and the connection with it. */
  fault(thrown: unknown): void;
}

/** Facts of one origin: its proxy, its trust and its idle connections, the one used last at the end. */
export class ConnectionPool {
  readonly origin: Origin;
  readonly proxy: ProxyServer | undefined;
  readonly dial: Dial;
  /** No new call will come: connections are closed once they are idle. */
  isForgotten = false;
  readonly #idle: PooledConnection[] = [];
  #trust: SecureContext | undefined;
  #trustRead = false;

  constructor(origin: Origin, proxy: ProxyServer | undefined, dial: Dial) {
    this.origin = origin;
    this.proxy = proxy;
    this.dial = dial;
  }

  get empty(): boolean {
    return this.#idle.length === 0;
  }

  /** @throws Error for a `ca` that cannot be read. */
  get trust(): SecureContext | undefined {
    if (!this.#trustRead && this.origin.tls) {
      this.#trust = trust(this.origin.ca);
      this.#trustRead = true;
    }
    return this.#trust;
  }

  take(nowMs: number): PooledConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.idleUntilMs > nowMs) return connection;
      connection.destroy();
    }
  }

  put(connection: PooledConnection): void {
    this.#idle.push(connection);
  }

  drop(connection: PooledConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  sweep(nowMs: number): void {
    for (const connection of this.#idle.filter(({ idleUntilMs }) => idleUntilMs <= nowMs)) {
      this.drop(connection);
      connection.destroy();
    }
  }

  clear(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}

/** An open connection. It receives the events of its wire for all calls that it carries, one after the other. */
export class PooledConnection implements WireListener {
  readonly pool: ConnectionPool;
  readonly wire: Wire;
  exchange: Carried | undefined;
  idleUntilMs = 0;

  constructor(pool: ConnectionPool, wire: Wire) {
    this.pool = pool;
    this.wire = wire;
    wire.listener = this;
  }

  received(bytes: Buffer): void {
    // No request was sent: an idle connection that sends bytes cannot be trusted with the next call.
    const { exchange } = this;
    if (exchange === undefined) this.#dropIdle();
    else
      try {
        exchange.received(bytes);
      } catch (thrown) {
        exchange.fault(thrown);
      }
  }

  drained(): void {
    const { exchange } = this;
    try {
      exchange?.write();
    } catch (thrown) {
      exchange?.fault(thrown);
    }
  }

  ended(): void {
    this.#lost("the upstream closed the connection", true);
  }

  failed(text: string): void {
    this.#lost(text, false);
  }

  closed(): void {
    this.#lost("the connection was closed", false);
  }

  destroy(): void {
    this.exchange = undefined;
    this.wire.destroy();
  }

  #lost(text: string, clean: boolean): void {
    const { exchange } = this;
    if (exchange === undefined) this.#dropIdle();
    else
      try {
        exchange.lost(text, clean);
      } catch (thrown) {
        exchange.fault(thrown);
      }
  }

  #dropIdle(): void {
    this.pool.drop(this);
    this.destroy();
  }
}
