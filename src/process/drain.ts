import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../contract/config.ts";
import type { Log } from "../log/log.ts";
import type { Gateway } from "../request/gateway.ts";
import type { Listener } from "../runtime/runtime.ts";
import type { Parts } from "./parts.ts";

/** Time after the drain, in which the last events reach their clients. */
const FLUSH_MS = 1_000;

export interface Drained extends Pick<Parts, "pool" | "limiter" | "totals" | "directory"> {
  config: Config;
  gateway: Gateway;
  listener: Listener;
  logging: Log;
  neighbours: { close(): void } | undefined;
  tracing: { close(): Promise<void> } | undefined;
}

/**
 * The end of a process. New calls are served for the grace, in which a load balancer can notice; each answer says that its connection will be closed.
 * Then no further request is taken, and open calls have the drain time to finish.
 */
export class Drain {
  readonly #parts: Drained;
  #begun = false;

  constructor(parts: Drained) {
    this.#parts = parts;
  }

  get begun(): boolean {
    return this.#begun;
  }

  /** Drains and then ends the process. Does nothing where draining has begun already. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    this.#begun = true;
    const { config, gateway, listener, logging, neighbours, tracing, pool, limiter, totals, directory } = this.#parts;
    const { log } = logging;
    log.info({ open_calls: gateway.openCalls }, "draining");
    listener.retire();
    await delay(config.server.drainGraceMs);
    const closed = listener.close();
    await Promise.race([closed, delay(config.server.drainTimeoutMs)]);
    if (gateway.openCalls > 0) {
      log.warn({ open_calls: gateway.openCalls }, "the drain time is over: ending the calls that are left");
      pool.failAll("draining", "The gateway is restarting. Please try again.");
      await Promise.race([closed, delay(FLUSH_MS)]);
    }
    neighbours?.close();
    await Promise.race([Promise.all([limiter.close(), totals.close(), directory.close(), tracing?.close()]), delay(FLUSH_MS)]);
    log.info("drained");
    await logging.end();
    process.exit(0);
  }
}
