import { ConfigError, type ConfigSource, type LoadedConfig, loadConfig } from "../config/config.ts";
import { FileWatch } from "../config/watch.ts";
import { type Config, FIXED, fixedOf, withFixed } from "../contract/config.ts";
import type { Logger } from "../log/log.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { changesBetween } from "./changes.ts";
import type { InForce } from "./in-force.ts";

export interface ReloadParts {
  inForce: InForce;
  metrics: Metrics;
  log: Logger;
}

/** A change is in force within a second; some looks must agree first (`SETTLED_LOOKS`), and a busy machine needs time too. */
const LOOK_EVERY_MS = 100;

/**
 * Reads the configuration again on `SIGHUP`, or when a file that was read has changed: models, upstreams, workspaces, limits, keys. A good one is put in
 * force at once and as a whole; open calls keep the one with which they began. A bad one changes nothing.
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
    // The file is not searched for again, because that has no bound in time.
    this.#source = { ...source, file: loaded.file ?? source.file };
    this.#parts = parts;
    this.#watch = new FileWatch(loaded.read, LOOK_EVERY_MS, () => void this.reload("a file has changed"));
  }

  /** The text in `/readyz`: `ok`, or why the newest file is not in force. */
  get state(): string {
    return this.#state;
  }

  /**
   * Never rejects: a configuration that cannot be read or put in force is refused. A reload that is asked for during another one begins after it; all that
   * are asked for during that time are one.
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
      // The cure may be in a file that only the refused configuration names. Where it names none, the files of the one in force are still watched.
      if (read.size > 0) this.#watch.follow(read);
      this.#parts.metrics.configured.reloaded("refused");
      const problems = thrown instanceof ConfigError ? thrown.problems : [thrown instanceof Error ? thrown.message : String(thrown)];
      // Any other error is a fault in Weir, and its text may hold anything.
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
    // Changes from here on are noticed.
    this.#watch.follow(read);
    const before = inForce.config;
    const [wanted, current] = [fixedOf(loaded.config), fixedOf(before)];
    const restart = FIXED.filter((part) => JSON.stringify(wanted[part]) !== JSON.stringify(current[part]));
    inForce.replace(withFixed(loaded.config, before));
    metrics.configured.reloaded("applied");
    this.#state = restart.length === 0 ? "ok" : `ok; changes of ${restart.join(", ")} wait for a restart`;
    for (const warning of loaded.warnings) log.warn(warning);
    const changes = changesBetween(before, inForce.config);
    log.info({ reason, ...changes, ...(restart.length === 0 ? {} : { waiting_for_restart: restart }) }, "the configuration is in force");
  }
}

/**
 * A file that is written in two steps may be good after the first step, but without workspaces: no client could call until the second step.
 * @throws ConfigError
 */
function refuseEmptied({ config, file, isEmptied }: LoadedConfig, before: Config): void {
  const count = Object.keys(before.workspaces).length;
  if (isEmptied || count === 0 || Object.keys(config.workspaces).length > 0) return;
  throw new ConfigError(file ?? "configuration", [
    `workspaces: expected at least one, got none where the configuration in force has ${count}; write "workspaces: {}" if there are to be none`,
  ]);
}
