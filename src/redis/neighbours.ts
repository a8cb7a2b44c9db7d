/**
 * Gateways of another configuration on the same Redis, below the same prefix. They share windows, keys and totals with this one, which an operator with two
 * configurations (staging beside production) does not want: so there is a warning. It is only a warning, and comes once, because a rolling update has two
 * configurations for a while.
 */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import type { Config, Limits } from "../contract/config.ts";
import { connectRedis, type RedisClient } from "./connect.ts";
import neighboursLua from "./neighbours.lua" with { type: "text" };
import { Script, type ScriptClient } from "./script.ts";

export interface NeighboursOptions {
  client: RedisClient;
  /** See `Redis.prefix`. */
  prefix: string;
  config: Config;
  onWarning: (text: string) => void;
  lookEveryMs?: number | undefined;
}

const LOOK_EVERY_MS = 5_000;
/** A configuration that no gateway has recorded for this number of looks is forgotten. */
const KEPT_LOOKS = 4;

export class Neighbours {
  readonly #options: NeighboursOptions;
  readonly #scripts: ScriptClient;
  readonly #script = new Script(neighboursLua);
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #lookEveryMs: number;
  readonly #reported = new Set<string>();
  #fingerprint: string;
  /** Records from before this time (`performance.now()`) are ignored: they may be of this gateway itself, or of one that reloads a moment later. */
  #countsFromMs: number;
  #looking = false;

  constructor(options: NeighboursOptions) {
    this.#options = options;
    this.#scripts = options.client;
    this.#lookEveryMs = options.lookEveryMs ?? LOOK_EVERY_MS;
    this.#fingerprint = fingerprintOf(options.config);
    this.#countsFromMs = performance.now();
    // A lost connection is opened again by itself; the limiter reports it in the log and the metrics.
    options.client.on("error", () => {});
    options.client.once("ready", () => void this.#look());
    this.#timer = setInterval(() => void this.#look(), this.#lookEveryMs);
    this.#timer.unref?.();
  }

  /** Another configuration is in force. */
  configure(config: Config): void {
    const fingerprint = fingerprintOf(config);
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    this.#countsFromMs = performance.now() + KEPT_LOOKS * this.#lookEveryMs;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#options.client.disconnect();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const key = `${this.#options.prefix}:{gateways}:1`;
      const keepMs = KEPT_LOOKS * this.#lookEveryMs;
      const others = await this.#script.run(this.#scripts, 1, [key, this.#fingerprint, hostname(), keepMs]);
      if (Array.isArray(others)) this.#tell(others.map(String));
    } catch {
      // Redis is away, or its access list does not allow this. Nothing else depends on it.
    } finally {
      this.#looking = false;
    }
  }

  #tell(others: readonly string[]): void {
    for (let at = 0; at + 2 < others.length; at += 3) {
      const [fingerprint = "", ageMs, machine = ""] = others.slice(at, at + 3);
      if (this.#reported.has(fingerprint) || performance.now() - Number(ageMs) <= this.#countsFromMs) continue;
      this.#reported.add(fingerprint);
      const { prefix, onWarning } = this.#options;
      onWarning(
        `a gateway with another configuration (on ${machine}) is on the same Redis with redis.prefix "${prefix}": the two share limits, keys and totals. Give each configuration its own redis.prefix. During a rolling update this is expected`,
      );
    }
  }
}

/** Undefined where `config` has no Redis. */
export function openNeighbours(config: Config, onWarning: (text: string) => void): Neighbours | undefined {
  const { redis } = config;
  return redis === undefined ? undefined : new Neighbours({ client: connectRedis(redis), prefix: redis.prefix, config, onWarning });
}

/** A digest of what must be the same in gateways that share windows: workspaces, models and all limits. Nothing secret goes into it. */
function fingerprintOf({ limits, models, workspaces }: Config): string {
  const modelLimits = (entries: Record<string, { limits: Limits }>) =>
    sorted(Object.entries(entries)).map(([name, { limits: own }]) => [name, own]);
  const who = sorted(Object.entries(workspaces)).map(([name, workspace]) => [name, workspace.limits, modelLimits(workspace.models)]);
  return createHash("sha256")
    .update(JSON.stringify([limits, modelLimits(models), who]))
    .digest("hex")
    .slice(0, 16);
}

function sorted<Value>(entries: [string, Value][]): [string, Value][] {
  return entries.sort(([one], [other]) => (one < other ? -1 : 1));
}
