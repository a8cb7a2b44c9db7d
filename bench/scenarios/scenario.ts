/** A scenario is data: the code that runs it never depends on its name. */
import type { Kind } from "../load/job.ts";
import type { LimiterPlace } from "../result.ts";
import type { CallDialect, Question } from "../variant.ts";

export interface Scenario {
  /** The name for `--only`. */
  name: string;
  /** What people read instead of the name. */
  title: string;
  kind: Kind;
  question: Question;
  limiter: LimiterPlace;
  /** TLS between the variant and the upstream. */
  tls: boolean;
  /** The variants that it is run for. */
  beside: readonly string[];
  /** It is run for the peers too. */
  peers: boolean;
  /** All variants run at the same time, and are asked in turn. */
  together: boolean;
  /** The length of a request. */
  bodyBytes: number;
  callers: number;
  /** For calls that begin at fixed times: how many begin per second. */
  perSecond: number;
  /** What another caller sends at the same time, and how often. */
  neighbour: Neighbour | undefined;
  /** Refused calls are measured too. */
  refuses: boolean;
  /** It can be measured through a gateway that runs elsewhere, with an upstream of its own. */
  elsewhere: boolean;
}

export interface Neighbour {
  body(question: Question): string;
  perSecond: number;
}

/** The pass-throughs in other languages (`bench/baselines/`). */
export const COMPILED = ["axum", "go"];
const EVERYBODY = ["direct", "bare", "weir", "nginx", ...COMPILED];
/** For the scenarios where it matters most which thread does the work. */
export const AND_INLINE = [...EVERYBODY, "inline"];

const DEFAULTS = {
  limiter: "redis",
  tls: false,
  beside: EVERYBODY,
  peers: true,
  together: false,
  bodyBytes: 2_000,
  callers: 64,
  perSecond: 0,
  neighbour: undefined,
  refuses: false,
  elsewhere: false,
} as const satisfies Partial<Scenario>;

/** The parts of a scenario that differ from most others. */
export type Difference = Pick<Scenario, "title" | "kind"> & Partial<Omit<Scenario, "name" | "question">> & { asks: Asked };

/** A whole answer, or a stream that the stand-in sends at one of its paces. */
export type Asked = "answer" | "burst" | "whole" | "paced" | "slow";

interface Speech {
  dialect: CallDialect;
  /** The beginning of a scenario's name. */
  short: string;
  title: string;
  models: Record<Asked, string>;
  /** The model that a gateway elsewhere is asked for, where `--model` names none. */
  elsewhere: string;
}

/** Calls in OpenAI's dialect go to Azure nearly unchanged. Calls in Anthropic's dialect go to Bedrock: they are signed, and streams change their format. */
export const SPEECHES: Readonly<Record<CallDialect, Speech>> = {
  openai: {
    dialect: "openai",
    short: "openai",
    title: "OpenAI",
    models: { answer: "gpt-4o-burst", burst: "gpt-4o-burst", whole: "gpt-4o-whole", paced: "gpt-4o-paced", slow: "gpt-4o-drips" },
    elsewhere: "gpt-4o",
  },
  anthropic: {
    dialect: "anthropic",
    short: "bedrock",
    title: "Bedrock",
    models: {
      answer: "claude-3-haiku-burst",
      burst: "claude-3-haiku-burst",
      whole: "claude-3-haiku-whole",
      paced: "claude-3-haiku-paced",
      slow: "claude-3-haiku-drips",
    },
    elsewhere: "claude-3-haiku-20240307",
  },
};

/** The scenario in one dialect. */
export function scenario(dialect: CallDialect, suffix: string, { asks, ...difference }: Difference): Scenario {
  const { short, title, models } = SPEECHES[dialect];
  const question = { dialect, model: models[asks], atOnce: models.burst, stream: asks !== "answer" };
  return { ...DEFAULTS, ...difference, name: `${short}-${suffix}`, title: `${title}, ${difference.title}`, question };
}

/** The scenarios in both dialects. */
export const inBoth = (differences: Record<string, Difference>): Scenario[] =>
  Object.entries(differences).flatMap(([suffix, difference]) =>
    (["openai", "anthropic"] as const).map((dialect) => scenario(dialect, suffix, difference)),
  );

const SENTENCE = "Tell me in a few words how a weir keeps a river within its bounds, and who measures what flows over it. ";
/** The bytes of a request around its content. */
const FRAME_BYTES = 120;

export const english = (bytes: number): string => SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, bytes);

export function requestBody({ model, stream }: Question, content: string): string {
  return JSON.stringify({ model, ...(stream ? { stream } : {}), max_tokens: 100, messages: [{ role: "user", content }] });
}

export const contentOf = ({ bodyBytes }: Scenario): string => english(bodyBytes - FRAME_BYTES);
