/** A scenario is data: nothing that runs it asks which one it is. */
import type { Kind } from "../load/kinds.ts";
import type { LimiterPlace } from "../result.ts";
import type { Question } from "../variant.ts";

export interface Scenario {
  /** As `--only` names it. */
  name: string;
  /** For people. */
  title: string;
  limiter: LimiterPlace;
  /** Between the variant and the upstream. */
  tls: boolean;
  /** Variants that it is run for, with the peers beside them. Weir is what all are compared with. */
  beside: readonly string[];
  kind: Kind;
  question: Question;
  /** Length of a request. */
  bodyBytes: number;
  callers: number;
  /** Open loop: calls begun per second. */
  perSecond: number;
  /** The body and the pace of a caller that is asked for at the same time. */
  neighbour: { body: () => string; perSecond: number } | undefined;
  /** Calls that are refused are measured beside accepted ones. */
  refuses: boolean;
}

export const DEFAULTS = {
  limiter: "redis",
  tls: false,
  beside: ["direct", "bare", "weir", "nginx"],
  bodyBytes: 2_000,
  callers: 64,
  perSecond: 0,
  neighbour: undefined,
  refuses: false,
} as const satisfies Partial<Scenario>;

const SENTENCE = "Tell me in a few words how a weir keeps a river within its bounds, and who measures what flows over it. ";

/** A request of about so many bytes that says `text`, or plain English. */
export function requestBody({ model, stream }: Question, bytes: number, text?: string): string {
  const content = text ?? SENTENCE.repeat(Math.ceil(bytes / SENTENCE.length)).slice(0, Math.max(1, bytes - 120));
  return JSON.stringify({ model, ...(stream ? { stream } : {}), max_tokens: 100, messages: [{ role: "user", content }] });
}
