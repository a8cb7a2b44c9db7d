/** What is measured: a program that takes calls and answers them by the upstream stand-in. Everything but Weir itself is beside it for comparison. */
import type { LimiterPlace, NotRun } from "./result.ts";

export type CallDialect = "openai" | "anthropic";

/** What a scenario asks for. */
export interface Question {
  dialect: CallDialect;
  /** What the client names; the stand-in paces its streams by it (answers.ts). */
  model: string;
  /** The model whose streams hold the same and come at once. */
  atOnce: string;
  stream: boolean;
}

/** How a variant is asked. */
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
  /** The file of the certificate that the upstream shows, where it speaks TLS. */
  certificate: string | undefined;
  limiter: LimiterPlace;
  /** Where the limiter is on Redis. */
  redisUrl: string | undefined;
}

export interface Variant {
  name: string;
  /** All of them where none is named: one that does not speak a scenario's is not started for it. */
  dialects?: readonly CallDialect[];
  /** Nothing of it is compiled as it runs. */
  isCompiled?: boolean;
  /** A fresh process, ready to be called. */
  start(world: World): Promise<Running>;
}

export interface Running {
  /** No slash at the end. */
  url: string;
  /** Undefined where this one does not speak the dialect. */
  address(question: Question): Address | undefined;
  /** Whose CPU and memory are counted; their children are found by the benchmark. Empty where there is nobody to count. */
  pids(): number[];
  /** It has an upstream of its own: nobody here knows what it should answer. */
  isElsewhere?: boolean;
  /** The address of a caller whose limit is used up, for those that limit. */
  refused?(question: Question): Address;
  /** Where Weir's metrics are. */
  metricsUrl?: string;
  stop(): Promise<void>;
}

/** Variants that somebody else writes (`bench/peers/index.ts`), and the ones that cannot be had here. */
export interface Peers {
  variants: Variant[];
  /** Name → version. */
  versions: Record<string, string>;
  notRun: NotRun[];
}
