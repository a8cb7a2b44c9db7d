import type { Definer } from "./registry.ts";

/** The part of a key that the metric of its expiry needs. */
export interface ExpiringKey {
  readonly workspace: { readonly name: string };
  /** Milliseconds since 1970; infinite for a key that never expires. */
  readonly expiresAtMs: number;
  readonly replacedBy: string | undefined;
}

/** The lifetime of a credential with which Weir signs in at an upstream. */
export interface ExpiringCredential {
  readonly upstream: string;
  /** Undefined where it is not known. */
  readonly issuedAtMs: number | undefined;
  readonly expiresAtMs: number;
}

/** How long an expired key or credential stays in its metric: if it left at once, the alert about it would end too. */
const KEPT_AFTER_EXPIRY_MS = 24 * 3600 * 1000;
/** The most workspaces and the most upstreams in these metrics, those that expire first: there may be thousands. */
const MOST_EXPIRIES = 100;

/** Metrics of the configuration that is in force, and of the keys. */
export class ConfigurationMetrics {
  readonly #reloads;
  readonly #stale;
  readonly #keys;
  readonly #expiry;
  readonly #credentialExpiry;
  readonly #credentialLifetime;
  #expiring: readonly ExpiringKey[] = [];
  /** The credentials by upstream. */
  #credentials = new Map<string, { expiresAtMs: number; lifetimeMs: number }>();

  constructor(make: Definer) {
    this.#reloads = make.counter("weir_config_reloads_total", "Configurations that were read while the gateway ran: applied, refused.", [
      "result",
    ]);
    this.#stale = make.gauge(
      "weir_config_stale",
      "1 where the newest configuration was refused and the one before is in force.",
      [],
      "max",
    );
    this.#keys = make.gauge(
      "weir_directory_keys",
      "Known API keys, by the place where they are kept: config, file, redis.",
      ["source"],
      "max",
    );
    this.#expiry = make.gauge(
      "weir_key_expiry_timestamp_seconds",
      "When the first key of a workspace expires, in seconds since 1970; keys that were rotated are left out.",
      ["workspace"],
      "min",
    );
    this.#credentialExpiry = make.gauge(
      "weir_credential_expiry_timestamp_seconds",
      "When the credential of an upstream expires, in seconds since 1970; only of credentials that say so and are not renewed automatically.",
      ["upstream"],
      "min",
    );
    this.#credentialLifetime = make.gauge(
      "weir_credential_lifetime_seconds",
      "The whole lifetime of such a credential: from the time when it was made, or, where that is not known, from the time when Weir first had it.",
      ["upstream"],
      "max",
    );
    for (const result of ["applied", "refused"]) this.#reloads.cell(result);
    this.#stale.set(0);
  }

  reloaded(result: "applied" | "refused"): void {
    this.#reloads.cell(result).value += 1;
    this.#stale.set(result === "refused" ? 1 : 0);
  }

  /** @param counts - Number of keys by their source. */
  keysKnown(counts: Readonly<Record<string, number>>, keys: Iterable<ExpiringKey>): void {
    for (const [source, count] of Object.entries(counts)) this.#keys.set({ source }, count);
    this.#expiring = Array.from(keys).filter(({ expiresAtMs, replacedBy }) => Number.isFinite(expiresAtMs) && replacedBy === undefined);
  }

  /** To be called with the credentials of the configuration in force, at each change. */
  credentialsKnown(credentials: Iterable<ExpiringCredential>, nowMs: number): void {
    const before = this.#credentials;
    this.#credentials = new Map();
    for (const { upstream, issuedAtMs, expiresAtMs } of credentials) {
      const known = before.get(upstream);
      const lifetimeMs = known?.expiresAtMs === expiresAtMs ? known.lifetimeMs : Math.max(0, expiresAtMs - (issuedAtMs ?? nowMs));
      this.#credentials.set(upstream, { expiresAtMs, lifetimeMs });
    }
  }

  /** To be called at each scrape. */
  sample(nowMs: number): void {
    this.#sampleKeys(nowMs);
    this.#sampleCredentials(nowMs);
  }

  #sampleCredentials(nowMs: number): void {
    const soonest = [...this.#credentials]
      .filter(([, { expiresAtMs }]) => expiresAtMs >= nowMs - KEPT_AFTER_EXPIRY_MS)
      .sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs)
      .slice(0, MOST_EXPIRIES);
    this.#credentialExpiry.reset();
    this.#credentialLifetime.reset();
    for (const [upstream, { expiresAtMs, lifetimeMs }] of soonest) {
      this.#credentialExpiry.set({ upstream }, expiresAtMs / 1000);
      this.#credentialLifetime.set({ upstream }, lifetimeMs / 1000);
    }
  }

  #sampleKeys(nowMs: number): void {
    const first = new Map<string, number>();
    for (const { workspace, expiresAtMs } of this.#expiring) {
      if (expiresAtMs < nowMs - KEPT_AFTER_EXPIRY_MS) continue;
      first.set(workspace.name, Math.min(expiresAtMs, first.get(workspace.name) ?? Number.POSITIVE_INFINITY));
    }
    const soonest = [...first].sort(([, a], [, b]) => a - b).slice(0, MOST_EXPIRIES);
    this.#expiry.reset();
    for (const [workspace, expiresAtMs] of soonest) this.#expiry.set({ workspace }, expiresAtMs / 1000);
  }
}
