import type { Definer } from "./definer.ts";

/** Of a key, what its expiry is told by. */
export interface ExpiringKey {
  readonly workspace: { readonly name: string };
  /** Milliseconds since 1970; infinite for one that never expires. */
  readonly expiresAtMs: number;
  readonly replacedBy: string | undefined;
}

/** A key that has expired is told of for so long: an alert that ends as the key does would say that all is well. */
const TOLD_MS = 24 * 3600 * 1000;
/** Workspaces whose keys expire next; there may be thousands. */
const MOST_EXPIRIES = 100;

/** What an operator has set: the configuration that is in force, and the keys. */
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

  /** @param counts - By source. */
  keysKnown(counts: Readonly<Record<string, number>>, keys: Iterable<ExpiringKey>): void {
    for (const [source, count] of Object.entries(counts)) this.#keys.set({ source }, count);
    this.#expiring = Array.from(keys).filter(({ expiresAtMs, replacedBy }) => Number.isFinite(expiresAtMs) && replacedBy === undefined);
  }

  /** Somebody scrapes. */
  sample(nowMs: number): void {
    const first = new Map<string, number>();
    for (const { workspace, expiresAtMs } of this.#expiring) {
      if (expiresAtMs < nowMs - TOLD_MS) continue;
      first.set(workspace.name, Math.min(expiresAtMs, first.get(workspace.name) ?? Number.POSITIVE_INFINITY));
    }
    const soonest = [...first].sort(([, a], [, b]) => a - b).slice(0, MOST_EXPIRIES);
    this.#expiry.reset();
    for (const [workspace, expiresAtMs] of soonest) this.#expiry.set({ workspace }, expiresAtMs / 1000);
  }
}
