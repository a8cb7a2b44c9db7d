/**
 * What a supervisor and its gateway processes say to each other, over the channel that the runtime opens between a process and what it spawned.
 * In this order: settings, built (by every process), listen, listening; from then on reload and drain, as often as they come.
 */
import type { FixedConfig } from "./config.ts";

/** The environment variable that gives a gateway process its number. */
export const PROCESS_VARIABLE = "WEIR_PROCESS";

export type SupervisorMessage =
  /**
   * Settings that the process takes in place of what the file says by now, so that a replacement is like the others. `secret` is that of this group of
   * processes: over the channel, as an environment can be read by others.
   */
  { type: "settings"; settings: FixedConfig; secret: string } | { type: "listen"; port: number } | { type: "reload" } | { type: "drain" };

export type ProcessMessage =
  /** All parts of the process are built, and no port is open yet. */
  | { type: "built" }
  /** The process serves; `adminPort` is on loopback and for the supervisor alone. */
  | { type: "listening"; adminPort: number };

/** Header by which the supervisor names the client, on a request that it hands on to a process: the secret of the group, a blank, the address. Without the secret the header is ignored. */
export const PEER_HEADER = "x-weir-peer";

/** Path on a process's admin port at which its metrics are served as JSON. */
export const SNAPSHOT_PATH = "/metrics.json";
