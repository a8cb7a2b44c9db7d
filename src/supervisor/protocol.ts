/**
 * Messages between a supervisor and its gateway processes, over the channel that the runtime opens between a process and its child.
 * In this order: settings, built (by every process), listen, listening; from then on reload and drain, as often as they come.
 */
import type { FixedConfig } from "../contract/config.ts";

/** The environment variable that gives a gateway process its number. */
export const PROCESS_VARIABLE = "WEIR_PROCESS";

export type SupervisorMessage =
  /**
   * Settings that the process uses in place of those that are in the file by then, so that a replacement has the settings of the other processes. `secret`
   * is the one of this group of processes. It goes over the channel because other users may be able to read an environment.
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
