import type { Definer } from "./registry.ts";

/** Metrics of the listeners. */
export class ListenerMetrics {
  readonly #connections;
  readonly #certificate;
  readonly #counts = new Map<string, () => number>();

  constructor(make: Definer) {
    this.#connections = make.gauge(
      "weir_connections",
      "Open connections of clients, idle ones included, by listener: public, admin. The public listener has at most `server.max_connections` in each process.",
      ["listener"],
    );
    this.#certificate = make.gauge(
      "weir_tls_certificate_expiry_timestamp_seconds",
      "When the certificate of new connections expires, in seconds since 1970; only where `server.tls` is set.",
      ["listener"],
      "min",
    );
  }

  /** The number of connections is read at each scrape. */
  sampleConnections(listener: string, count: () => number): void {
    this.#counts.set(listener, count);
  }

  certificateExpires(listener: string, expiresAtMs: number): void {
    this.#certificate.set({ listener }, expiresAtMs / 1000);
  }

  /** To be called at each scrape. */
  sample(): void {
    for (const [listener, count] of this.#counts) this.#connections.set({ listener }, count());
  }
}
