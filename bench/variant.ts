/** A variant: a program that is measured while it answers calls by the upstream stand-in. All but Weir itself are there for comparison. */
import type { LimiterPlace, NotRun } from "./result.ts";

export type CallDialect = "openai" | "anthropic";

/** What a scenario asks of a variant. */
export interface Question {
  dialect: CallDialect;
  /** The model in the request; the stand-in chooses the stream's pace by it (answers.ts). */
  model: string;
  /** The model whose streams have the same contents and come at once. */
  atOnce: string;
  stream: boolean;
}

/** The address of a variant, and how it is called. */
export interface Address {
  path: string;
  headers: Record<string, string>;
}

/** The surroundings of a scenario, started before its variants. */
export interface World {
  /** A folder of this run, removed at its end. */
  folder: string;
  /** `http://127.0.0.1:PORT` or, with TLS, `https://…`. No slash at the end. */
  upstreamUrl: string;
  /** File of the upstream's certificate, where it uses TLS. */
  certificate: string | undefined;
  limiter: LimiterPlace;
  /** Address of Redis, where the limiter is on Redis. */
  redisUrl: string | undefined;
}

export interface Variant {
  name: string;
  /** Dialects of the variant; where it is missing, all. A variant without the scenario's dialect is not started for it. */
  dialects?: readonly CallDialect[];
  /** The program is compiled before it runs, so it needs no long warm-up. */
  isCompiled?: boolean;
  /** Starts a fresh process that is ready for calls. */
  start(world: World): Promise<Running>;
}

export interface Running {
  /** Address without a slash at the end. */
  url: string;
  /** Undefined where this variant does not have the dialect. */
  address(question: Question): Address | undefined;
  /** Processes whose CPU and memory are counted; the benchmark finds their children. Empty where none can be counted. */
  pids(): number[];
  /** The variant has its own upstream, so the right answers are not known here. */
  isElsewhere?: boolean;
  /** For variants with limits: the address for a caller whose limit is used up. */
  refused?(question: Question): Address;
  /** Address of Weir's metrics. */
  metricsUrl?: string;
  stop(): Promise<void>;
}

/** Variants of other gateways (`bench/peers/index.ts`), and those that are not available here. */
export interface Peers {
  variants: Variant[];
  /** Name → version. */
  versions: Record<string, string>;
  notRun: NotRun[];
}
