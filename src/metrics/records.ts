import type { Usage } from "../contract/usage.ts";

/** A call that has ended, as the metrics see it. Every string comes from a closed set. */
export interface CallRecord {
  route: string;
  workspace: string;
  /** From the catalogue, or `other`. */
  model: string;
  region: string;
  /** "" where the call never reached one. */
  upstream: string;
  /** `ok` or an error kind. */
  outcome: string;
  durationMs: number;
  /** Time to the first byte of the answer; undefined where there was none. */
  firstByteMs: number | undefined;
  /** Time spent in Weir, without waiting for upstream and client; undefined where it cannot be told. */
  overheadMs: number | undefined;
  usage: Usage | undefined;
  /** What this model's estimates are multiplied by; undefined where no worker had the call. */
  estimateFactor: number | undefined;
}

export interface WorkerSample {
  worker: number;
  calls: number;
  /** Orders not yet taken by the worker. */
  queued: number;
  lagMs: number;
}
