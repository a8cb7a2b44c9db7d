/** Connections of one origin, and what happens on one while it carries a call and while it does not. */
import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { SecureContext } from "node:tls";
import { trust } from "./authorities.ts";
import { describe } from "./dial.ts";
import type { Origin } from "./http.ts";
import type { ProxyServer } from "./proxy.ts";

/** The call that a connection carries. */
interface Carried {
  received(bytes: Buffer): void;
  /** The socket has sent what it was given and takes more. */
  write(): void;
  /** The connection is gone; `text` says how. `clean`: the peer ended it in order, so a body that lasts until then is whole. */
  lost(text: string, clean: boolean): void;
}

/** What is known of one origin: its proxy, its trust and its idle connections, the one used last at the end. */
export class Pool {
  readonly origin: Origin;
  readonly proxy: ProxyServer | undefined;
  /** No new call will come: connections are closed once they are idle. */
  isForgotten = false;
  readonly #idle: Connection[] = [];
  #trust: SecureContext | undefined;
  #trustRead = false;

  constructor(origin: Origin, proxy: ProxyServer | undefined) {
    this.origin = origin;
    this.proxy = proxy;
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

  take(nowMs: number): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.idleUntilMs > nowMs) return connection;
      connection.destroy();
    }
  }

  put(connection: Connection): void {
    this.#idle.push(connection);
  }

  drop(connection: Connection): void {
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

/** An open socket. Its listeners are set once, for all the calls that it will carry. */
export class Connection {
  readonly pool: Pool;
  readonly socket: Socket;
  exchange: Carried | undefined;
  idleUntilMs = 0;

  constructor(pool: Pool, socket: Socket) {
    this.pool = pool;
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      // Nobody asked: an idle connection that speaks cannot be trusted with the next call.
      if (this.exchange === undefined) this.#dropIdle();
      else this.exchange.received(bytes);
    });
    socket.on("drain", () => this.exchange?.write());
    socket.on("error", (error) => this.#lost(describe(error, pool.origin), false));
    socket.on("end", () => this.#lost("the upstream closed the connection", true));
    socket.on("close", () => this.#lost("the connection was closed", false));
  }

  destroy(): void {
    this.exchange = undefined;
    this.socket.destroy();
  }

  #lost(text: string, clean: boolean): void {
    if (this.exchange === undefined) this.#dropIdle();
    else this.exchange.lost(text, clean);
  }

  #dropIdle(): void {
    this.pool.drop(this);
    this.destroy();
  }
}
