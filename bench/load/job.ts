/** The job for the load generator, and the outcome that it returns. Both are sent through a pipe as JSON. */
import type { Measures } from "../result.ts";

export interface Target {
  name: string;
  host: string;
  port: number;
  /** Set where the target speaks TLS. */
  tls: Trust | undefined;
  path: string;
  /** The path of a call with `warmUpBody`: some variants have the model in the path. */
  warmUpPath: string;
  /** How long calls without pauses are made before anything is measured. */
  warmUpMs: number;
  headers: Record<string, string>;
  /** The status and the length of a right answer. A wrong answer fails the run. */
  expect: Expectation;
  /** The processes whose CPU and memory are read. */
  pids: number[];
  metricsUrl?: string;
  /** How a client calls whose limit is used up; missing where the target has no limits, or the scenario does not ask for it. */
  refused?: { headers: Record<string, string>; expect: Expectation };
}

/** The certificate (PEM) to trust, or `true` for the authorities that the runtime trusts. */
export type Trust = { ca: string } | true;

export interface Expectation {
  status: number;
  bytes: [least: number, most: number];
}

export type Kind = "aborts" | "beside" | "closed" | "heads" | "idle" | "open" | "pairs" | "refusals" | "slow";

export interface Neighbour {
  body: string;
  expect: Expectation;
  perSecond: number;
}

/** One measurement by one of the kinds of load (`kinds.ts`). */
export interface Job {
  kind: Kind;
  /** One target, or several for `pairs`, which finds direct and bare by their names. */
  targets: Target[];
  body: string;
  /** The same request for an answer without pauses. */
  warmUpBody: string;
  /** How many connections there are, each with one call at a time. */
  callers: number;
  /** For calls that begin at fixed times: how many begin per second. */
  perSecond: number;
  countMs: number;
  /** How many chunks a stream has; 0 for an answer that is no stream. */
  chunks: number;
  /** Milliseconds between two chunks of the upstream. */
  paceMs: number;
  /** What a separate process asks of the same target at the same time. */
  neighbour: Neighbour | undefined;
  /** How many rounds this job makes with programs that are warmed up once (`turns.ts`). With 0 it makes one measurement. */
  turns: number;
}

export interface Outcome {
  /** By the name of the target. */
  measures: Record<string, Measures>;
  /** How many calls were made. */
  calls: number;
}

/** The target of a job that has only one. */
export function only({ targets: [target] }: Job): Target {
  if (target === undefined) throw new Error("a job without a target");
  return target;
}
