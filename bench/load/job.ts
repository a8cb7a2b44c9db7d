/** The order to the load generator, and its report. Both cross a pipe as JSON. */
import type { Measures } from "../result.ts";

export interface Target {
  name: string;
  host: string;
  port: number;
  /** Where the target speaks TLS. */
  tls: Trust | undefined;
  path: string;
  /** The path of a call with `warmUpBody`: some name the model in the path. */
  warmUpPath: string;
  /** Calls without a pause before anything is measured. */
  warmUpMs: number;
  headers: Record<string, string>;
  /** Status and bytes of a right answer, least and most; a wrong one fails the run. */
  expect: Expectation;
  /** Whose CPU and memory are read. */
  pids: number[];
  metricsUrl?: string;
  /** How a client calls whose limit is used up, where it limits and the scenario asks for it. */
  refused?: { headers: Record<string, string>; expect: Expectation };
}

/** In a certificate (PEM), or in whom the runtime trusts. */
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

/** One measurement, for any kind of load (`kinds.ts`). */
export interface Job {
  kind: Kind;
  /** One, or for paired calls several: direct and bare are found by their names. */
  targets: Target[];
  body: string;
  /** The same call with an answer that comes at once, where that of `body` takes its time. */
  warmUpBody: string;
  /** Connections, each with one call at a time. */
  callers: number;
  /** Open loop: calls begun per second. */
  perSecond: number;
  countMs: number;
  /** Chunks that a whole answer holds; 0 where it is no stream. */
  chunks: number;
  /** Between two chunks, as the upstream sends them. */
  paceMs: number;
  /** Asked of the same target at the same time, by a process of its own. */
  neighbour: Neighbour | undefined;
  /** How many rounds this load makes by itself, with programs that it warms up once (`turns.ts`); 0 where it makes one, as its kind says. */
  turns: number;
}

export interface Outcome {
  /** By target. */
  measures: Record<string, Measures>;
  /** Calls made, warm-up included. */
  calls: number;
}

/** The target of a kind of load that has one. */
export function only({ targets: [target] }: Job): Target {
  if (target === undefined) throw new Error("a job without a target");
  return target;
}
