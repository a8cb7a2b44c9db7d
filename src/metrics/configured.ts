import type { Definer } from "./definer.ts";

/** A key with what its expiry metric needs. */
export interface ExpiringKey {
  readonly workspace: { readonly name: string };
  /** Milliseconds since 1970; infinite for a key that never expires. */
  readonly expiresAtMs: number;
  readonly replacedBy: string | undefined;
}

/** How long an expired key stays in the metric: if it left at once, the alert about it would end too. */
const KEPT_AFTER_EXPIRY_MS = 24 * 3600 * 1000;
/** Most workspaces in the metric, those whose keys expire first: a gateway may have thousands. */
const MOST_EXPIRIES = 100;

/** Metrics of the configuration that is in force, and of the keys. */
export class ConfiguredMetrics {
  readonly #reloads;
  readonly #stale;
  readonly #keys;
  readonly #expiry;
  #expiring: readonly ExpiringKey[] = [];

  constructor(make: Definer) {
    this.#reloads = make.counter("weir_config_reloads_total", "Configurations read while running: applied, refused.", ["result"]);
    this.#stale = make.gauge(
      "weir_config_stale",
      "1 where the newest configuration was refused and the one before is in force.",
      [],
      "max",
    );
    this.#keys = make.gauge("weir_directory_keys", "API keys known, by where they are kept: config, file, redis.", ["source"], "max");
    this.#expiry = make.gauge(
      "weir_key_expiry_timestamp_seconds",
      "When the first key of a workspace expires, in seconds since 1970; keys that were rotated are left out.",
      ["workspace"],
      "min",
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

  /** To be called at each scrape. */
  sample(nowMs: number): void {
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
