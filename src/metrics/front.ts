import type { Definer } from "./definer.ts";

/** Of the listeners themselves. */
export class FrontMetrics {
  readonly #connections;
  readonly #certificate;
  readonly #counts = new Map<string, () => number>();

  constructor(make: Definer) {
    this.#connections = make.gauge(
      "weir_connections",
      "Connections of clients that are open, idle ones included, by listener: public, admin. Of the public one at most `server.max_connections` for each process.",
      ["listener"],
    );
    this.#certificate = make.gauge(
      "weir_tls_certificate_expiry_timestamp_seconds",
      "When the certificate that new connections are shown expires, in seconds since 1970; only where `server.tls` is set.",
      ["listener"],
      "min",
    );
  }

  /** Connections are counted when somebody scrapes. */
  sampleConnections(listener: string, count: () => number): void {
    this.#counts.set(listener, count);
  }

  certificateExpires(listener: string, expiresAtMs: number): void {
    this.#certificate.set({ listener }, expiresAtMs / 1000);
  }

  /** Somebody scrapes. */
  sample(): void {
    for (const [listener, count] of this.#counts) this.#connections.set({ listener }, count());
  }
}
