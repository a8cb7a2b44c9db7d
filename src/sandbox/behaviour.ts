/** How the answer of one call differs from the usual one, and how it goes wrong: what directives ask for, in terms that all stand-ins use. */

/** Where and how a stream goes wrong: after `after` tokens, or before the closing events where the answer is shorter. */
export interface Break {
  how: "stall" | "cut" | "truncate" | "corrupt" | "quiet" | "exception";
  after: number;
  /** Milliseconds of silence (`quiet`). */
  ms: number;
  /** Name of the exception (`exception`). With "" it is the cloud's usual one. */
  type: string;
}

/** An HTTP error instead of an answer. */
export interface Failure {
  /** HTTP status; 0 where only `type` was given. */
  status: number;
  type: string;
  /** Seconds in the headers for a retry. With 0 they are not sent. */
  retryAfter: number;
  /** `anthropic`: the form in which newer models on Bedrock answer. Any other text: the cloud's own form. */
  shape: string;
}

export interface Behaviour {
  /** Milliseconds for each token; undefined: the sandbox's usual pace. */
  paceMs: number | undefined;
  delayMs: number;
  tokens: number | undefined;
  /** The answer goes beyond any limit of the caller. */
  unlimited: boolean;
  echo: string | undefined;
  calls: number | undefined;
  /** Rounds of tool calls before the answer. */
  rounds: { count: number; tool: string } | undefined;
  textOnly: boolean;
  failure: Failure | undefined;
  breaks: Break[];
  filterAfter: number | undefined;
  asyncFilter: boolean;
  /** Refuses every flag. */
  noBetas: boolean;
  /** A guardrail that checks the call intervenes. */
  blocked: boolean;
  hangUp: boolean;
  malformed: boolean;
  /** Bytes of each write. With 0, writes are not cut into pieces. */
  shred: number;
}

export function usual(): Behaviour {
  return {
    paceMs: undefined,
    delayMs: 0,
    tokens: undefined,
    unlimited: false,
    echo: undefined,
    calls: undefined,
    rounds: undefined,
    textOnly: false,
    failure: undefined,
    breaks: [],
    filterAfter: undefined,
    asyncFilter: false,
    noBetas: false,
    blocked: false,
    hangUp: false,
    malformed: false,
    shred: 0,
  };
}

/** The behaviour of a call without directives. Its members are never changed. */
export const USUAL: Readonly<Behaviour> = Object.freeze(usual());

/**
 * The failure that is sent instead of an answer; undefined where the answer begins. An exception can only be part of a stream, so a call that does not stream
 * fails instead.
 */
export function failureOf({ failure, breaks }: Readonly<Behaviour>, isStream: boolean): Failure | undefined {
  const exception = isStream ? undefined : breaks.find(({ how }) => how === "exception");
  return failure ?? (exception && { status: 0, type: exception.type, retryAfter: 0, shape: "" });
}
