/**
 * The seam of `http.ts` over the runtime's own `fetch`: the reference that `http1.ts` is checked against. Not in use: it costs more and has a cap (256 calls on Bun).
 *
 * What it cannot do: trust `origin.ca` on Deno, go through a proxy of ours, tell connecting from waiting (one clock over both), or see how a malformed answer is
 * malformed (such an answer is `broken` or `unreachable`).
 */

import { toBytes } from "../../src/contract/bytes.ts";
import type { Timeouts } from "../../src/contract/config.ts";
import { type Ticket, Wheel } from "./clock.ts";
import type { HttpClient, HttpEvents, HttpExchange, HttpFailure, HttpRequest } from "./http.ts";
import { authority, requestHead } from "./http1-request.ts";

/** How much, and for how long, an answer is read on after its last word. */
const REST_BYTES = 16_384;
const REST_MS = 2_000;

export interface FetchOptions {
  /** The thread's clock; a client without one makes its own. */
  wheel?: Wheel | undefined;
}

export function createFetchClient(options: FetchOptions = {}): HttpClient {
  const wheel = options.wheel ?? new Wheel();
  const open = new Set<FetchExchange>();
  let closed = false;
  return {
    send(request, timeouts, events) {
      const exchange = new FetchExchange(wheel, timeouts, events, () => open.delete(exchange));
      if (closed) queueMicrotask(() => exchange.fail("unreachable", "the HTTP client is closed"));
      else {
        open.add(exchange);
        exchange.run(request);
      }
      return exchange;
    },
    // Its connections are the runtime's own.
    forget() {},
    close() {
      closed = true;
      for (const exchange of open) queueMicrotask(() => exchange.fail("broken", "the HTTP client was closed"));
    },
  };
}

class FetchExchange implements HttpExchange {
  readonly #wheel: Wheel;
  readonly #timeouts: Timeouts;
  readonly #left: () => void;
  readonly #controller = new AbortController();
  #events: HttpEvents | undefined;
  #ticket: Ticket | undefined;
  #inBody = false;
  #paused = false;
  /** Bytes that are read before the connection is closed. */
  #readable = Number.POSITIVE_INFINITY;
  #wake: (() => void) | undefined;
  #startedMs = 0;
  #activeMs = 0;

  constructor(wheel: Wheel, timeouts: Timeouts, events: HttpEvents, left: () => void) {
    this.#wheel = wheel;
    this.#timeouts = timeouts;
    this.#events = events;
    this.#left = left;
  }

  run(request: HttpRequest): void {
    this.#ticket = this.#wheel.schedule(Math.min(this.#limitMs, this.#timeouts.totalMs), () => this.#due());
    this.#startedMs = this.#wheel.nowMs;
    this.#activeMs = this.#startedMs;
    // Events come after `send` has returned, as with the other implementation.
    Promise.resolve()
      .then(() => this.#exchange(request))
      .catch((thrown: unknown) =>
        this.fail(this.#inBody ? "broken" : "unreachable", thrown instanceof Error ? thrown.message : String(thrown)),
      );
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#activeMs = this.#wheel.nowMs;
    this.#wake?.();
  }

  letEnd(): void {
    if (this.#events === undefined || this.#readable <= REST_BYTES) return;
    this.#readable = REST_BYTES;
    this.resume();
    this.#ticket?.cancel();
    this.#ticket = this.#wheel.schedule(REST_MS, () => {
      this.abort();
      return 0;
    });
  }

  abort(): void {
    if (this.#events === undefined) return;
    this.#over();
    this.#controller.abort();
  }

  fail(reason: HttpFailure["reason"], text: string): void {
    const events = this.#events;
    if (events === undefined) return;
    this.abort();
    events.fail({ reason, text, beforeFirstByte: !this.#inBody });
  }

  async #exchange(request: HttpRequest): Promise<void> {
    try {
      // For its checks: `fetch` would mend some headers and refuse others.
      requestHead(request);
    } catch (thrown) {
      this.fail("malformed", thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    const { origin } = request;
    const headers = new Headers();
    const all = [...request.headers, ...(request.further ?? [])];
    for (let at = 0; at < all.length; at += 2) headers.append(all[at] ?? "", all[at + 1] ?? "");
    // Both runtimes would decode, and leave the headers of the encoded body on the answer.
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    const answer = await fetch(`${origin.tls ? "https" : "http"}://${authority(origin)}${request.path}`, {
      method: request.method,
      headers,
      body: request.method === "GET" ? null : toBytes(request.body),
      redirect: "manual",
      signal: this.#controller.signal,
      // Bun's own; Deno ignores them.
      ...{ decompress: false, ...(origin.ca === undefined ? {} : { tls: { ca: origin.ca } }) },
    });
    if (this.#events === undefined) return;
    this.#inBody = true;
    this.#arm();
    this.#events.head(answer.status, new Map(answer.headers));
    const reader = answer.body?.getReader();
    for (;;) {
      while (this.#paused) await new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.#events === undefined) return;
      const piece = await reader?.read();
      if (piece?.value === undefined) break;
      this.#activeMs = this.#wheel.nowMs;
      this.#readable -= piece.value.length;
      if (this.#readable < 0) this.abort();
      while (this.#paused) await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#events?.chunk(piece.value);
    }
    const events: HttpEvents | undefined = this.#events;
    this.#over();
    events?.end();
  }

  #over(): void {
    this.#events = undefined;
    this.#ticket?.cancel();
    this.#wake?.();
    this.#left();
  }

  get #limitMs(): number {
    return this.#inBody ? this.#timeouts.silenceMs : this.#timeouts.connectMs + this.#timeouts.firstByteMs;
  }

  #arm(): void {
    this.#ticket?.cancel();
    this.#ticket = this.#wheel.schedule(Math.min(this.#limitMs, this.#timeouts.totalMs), () => this.#due());
    this.#activeMs = this.#wheel.nowMs;
  }

  #due(): number {
    const totalLeftMs = this.#timeouts.totalMs - this.#wheel.sinceMs(this.#startedMs);
    const leftMs = this.#paused ? this.#limitMs : this.#limitMs - this.#wheel.sinceMs(this.#activeMs);
    if (leftMs > 0 && totalLeftMs > 0) return Math.min(leftMs, totalLeftMs);
    this.fail("timeout", totalLeftMs <= 0 ? `the call was not over after ${this.#timeouts.totalMs} ms` : `silent for ${this.#limitMs} ms`);
    return 0;
  }
}
