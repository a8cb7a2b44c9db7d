import { ConfigError, type ConfigSource, type LoadedConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { FileWatch } from "../config/watch.ts";
import { type Config, FIXED, withFixed } from "../contract/config.ts";
import type { Logger } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { changesBetween } from "./changes.ts";
import type { InForce } from "./in-force.ts";

export interface ReloadParts {
  inForce: InForce;
  metrics: Metrics;
  log: Logger;
}

/** A change is in force after two looks, which leaves most of its second to a machine that is busy. */
const LOOK_EVERY_MS = 100;

/**
 * A configuration that changes while Weir runs: models, upstreams, workspaces, limits and keys, on `SIGHUP` or when a file that was read has
 * changed. A new one is checked as a whole and put in force at once; calls that run keep what they began with. A bad one changes nothing.
 */
export class Reloader {
  readonly #source: ConfigSource;
  readonly #parts: ReloadParts;
  readonly #watch: FileWatch;
  #state = "ok";
  /** The reload that runs, and the one that waits for its end. */
  #running: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(source: ConfigSource, loaded: LoadedConfig, parts: ReloadParts) {
    // The folder is not looked through again: that would not be bounded in time.
    this.#source = { ...source, file: loaded.file ?? source.file };
    this.#parts = parts;
    this.#watch = new FileWatch(loaded.read, LOOK_EVERY_MS, () => void this.reload("a file has changed"));
  }

  /** What `/readyz` shows: `ok`, or why the newest file is not in force. */
  get state(): string {
    return this.#state;
  }

  /**
   * Never rejects: what cannot be read or put in force is refused. One that is asked for while another is under way comes after it; all that are asked
   * for meanwhile are one.
   */
  reload(reason: string): Promise<void> {
    this.#waiting ??= this.#running.then(() => {
      this.#waiting = undefined;
      this.#running = this.#reload(reason);
      return this.#running;
    });
    return this.#waiting;
  }

  async #reload(reason: string): Promise<void> {
    const read = new Map<string, string>();
    try {
      this.#apply(reason, read, await loadConfig(this.#source, read));
    } catch (thrown) {
      // The cure may lie in a file that only the refused one names. Where none was found, those of before are waited for.
      if (read.size > 0) this.#watch.follow(read);
      this.#parts.metrics.configured.reloaded("refused");
      const problems = thrown instanceof ConfigError ? thrown.problems : [thrown instanceof Error ? thrown.message : String(thrown)];
      // An error that is not a mistake of the configuration is a fault of ours; its words may hold anything.
      const first = thrown instanceof ConfigError ? problems[0] : "the log says why";
      this.#state = `the newest file is refused, the one before is in force: ${first}`;
      this.#parts.log.error({ reason, problems }, "the configuration is refused; the one before stays in force");
    }
  }

  stop(): void {
    this.#watch.stop();
  }

  /** @throws ConfigError */
  #apply(reason: string, read: Map<string, string>, loaded: LoadedConfig): void {
    const { inForce, metrics, log } = this.#parts;
    if (loaded.config.sandbox)
      throw new ConfigError(loaded.file ?? "configuration", ["expected the file that Weir was started with, got none"]);
    refuseEmptied(loaded, inForce.config);
    // What changes from here on is seen as a change.
    this.#watch.follow(read);
    const before = inForce.config;
    const restart = FIXED.filter((part) => JSON.stringify(loaded.config[part]) !== JSON.stringify(before[part]));
    inForce.replace(withFixed(loaded.config, before));
    metrics.configured.reloaded("applied");
    this.#state = restart.length === 0 ? "ok" : `ok; changes of ${restart.join(", ")} wait for a restart`;
    for (const warning of loaded.warnings) log.warn(warning);
    const changes = changesBetween(before, inForce.config);
    log.info({ reason, ...changes, ...(restart.length === 0 ? {} : { waiting_for_restart: restart }) }, "the configuration is in force");
  }
}

/**
 * Where a file is written in two steps, its first half may be good by itself and have no workspaces: no client could call until the second half comes.
 * @throws ConfigError
 */
function refuseEmptied({ config, file, isEmptied }: LoadedConfig, before: Config): void {
  const count = Object.keys(before.workspaces).length;
  if (isEmptied || count === 0 || Object.keys(config.workspaces).length > 0) return;
  throw new ConfigError(file ?? "configuration", [
    `workspaces: expected at least one, got none where the configuration in force has ${count}; write "workspaces: {}" if there are to be none`,
  ]);
}
