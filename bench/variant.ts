/** A variant is a program that is measured while it answers calls with the help of the stand-in upstream. All variants except Weir are there for comparison. */
import type { LimiterPlace, NotRun } from "./result.ts";

export type CallDialect = "openai" | "anthropic";

/** What a scenario asks of a variant. */
export interface Question {
  dialect: CallDialect;
  /** The model in the request. It decides the pace of the stand-in's stream (answers.ts). */
  model: string;
  /** The model whose streams have the same contents without pauses. */
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
  /** A folder for this run, removed at its end. */
  folder: string;
  /** `http://127.0.0.1:PORT` or, with TLS, `https://…`. No slash at the end. */
  upstreamUrl: string;
  /** The file of the upstream's certificate; undefined without TLS. */
  certificate: string | undefined;
  limiter: LimiterPlace;
  /** The address of Redis; undefined where the limiter does not use it. */
  redisUrl: string | undefined;
}

export interface Variant {
  name: string;
  /** The dialects of the variant; all of them where this is missing. A variant is not started for a scenario in another dialect. */
  dialects?: readonly CallDialect[];
  /** It is compiled before it runs, so it needs no long warm-up. */
  isCompiled?: boolean;
  /** Starts a fresh process that is ready for calls. */
  start(world: World): Promise<Running>;
}

export interface Running {
  /** The address, without a slash at the end. */
  url: string;
  /** Undefined where this variant does not have the dialect. */
  address(question: Question): Address | undefined;
  /** The processes whose CPU and memory are counted, together with their children, which the benchmark finds. Empty where none can be counted. */
  pids(): number[];
  /** It has its own upstream, so the right answers are not known here. */
  isElsewhere?: boolean;
  /** The address for a caller whose limit is used up; missing where the variant has no limits. */
  refused?(question: Question): Address;
  /** The address of Weir's metrics. */
  metricsUrl?: string;
  stop(): Promise<void>;
}

/** The variants that are installed or built (other gateways, compiled baselines), and those that are not available here. */
export interface Peers {
  variants: Variant[];
  /** Name → version. */
  versions: Record<string, string>;
  notRun: NotRun[];
}
