import type { Usage } from "../contract/usage.ts";

/** A call that has ended, as the metrics need it. Every string is from a bounded set. */
export interface CallRecord {
  route: string;
  workspace: string;
  /** The model's name from the catalogue, or `other`. */
  model: string;
  region: string;
  /** The upstream's name; "" where the call reached none. */
  upstream: string;
  /** `ok` or an error kind. */
  outcome: string;
  durationMs: number;
  /** Time to the first byte of the answer; undefined where there was none. */
  firstByteMs: number | undefined;
  /** Time spent in Weir, without waiting for upstream and client; undefined where it is not known. */
  overheadMs: number | undefined;
  usage: Usage | undefined;
  /** Factor that corrects this model's estimates; undefined where no worker had the call. */
  estimateFactor: number | undefined;
}

export interface WorkerSample {
  worker: number;
  calls: number;
  /** Orders that the worker has not taken yet. */
  queued: number;
  lagMs: number;
}
