/**
 * What a stand-in can be told to do, in the text of the last user message, so that an unchanged client library can ask for it through the
 * gateway: `[sandbox: stall after=3]`. `docs/sandbox.md` holds the same table; a test compares them.
 */

/** Where and how a stream goes wrong: once `after` tokens have been sent, or before the closing events where the answer is shorter. */
export interface Break {
  how: "stall" | "cut" | "truncate" | "corrupt" | "quiet" | "exception";
  after: number;
  /** Milliseconds of silence (`quiet`). */
  ms: number;
  /** Name of the exception (`exception`); "" is the cloud's usual one. */
  type: string;
}

/** An HTTP error in place of an answer. */
export interface Failure {
  /** 0 where only `type` was given. */
  status: number;
  type: string;
  /** Seconds for the headers that ask for patience; 0 sends none. */
  retryAfter: number;
  /** `anthropic`: the body that newer models on Bedrock give instead of the cloud's own. */
  shape: string;
}

export interface Behaviour {
  /** Milliseconds for each token; undefined: the sandbox's usual pace. */
  paceMs: number | undefined;
  delayMs: number;
  tokens: number | undefined;
  /** The answer is longer than any limit that the caller set. */
  unlimited: boolean;
  echo: string | undefined;
  calls: number | undefined;
  /** Calls of tools, one after the other, before the answer. */
  rounds: { count: number; tool: string } | undefined;
  textOnly: boolean;
  failure: Failure | undefined;
  breaks: Break[];
  filterAfter: number | undefined;
  asyncFilter: boolean;
  /** Whatever flag it is. */
  noBetas: boolean;
  /** A guardrail intervenes, where one looks at the call. */
  blocked: boolean;
  hangUp: boolean;
  malformed: boolean;
  /** Bytes of each write; 0 leaves them as they are. */
  shred: number;
}

export type Values = Readonly<Record<string, string>>;

export interface Directive {
  does: string;
  /** Parameters and their defaults. A parameter of the directive's own name can be written `name=value`. */
  parameters: Readonly<Record<string, string>>;
  apply(behaviour: Behaviour, values: Values): void;
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

/** What a call without directives gets; never written to. */
export const USUAL: Readonly<Behaviour> = Object.freeze(usual());

const fail = (behaviour: Behaviour, values: Values): void => {
  behaviour.failure = {
    status: number(values, "status"),
    type: values.type ?? "",
    retryAfter: number(values, "seconds"),
    shape: values.shape ?? "",
  };
};

const breaks =
  (how: Break["how"]) =>
  (behaviour: Behaviour, values: Values): void => {
    const after = values.after === "end" ? Number.POSITIVE_INFINITY : number(values, "after");
    behaviour.breaks.push({ how, after, ms: number(values, "ms"), type: values.type ?? "" });
  };

export const DIRECTIVES: Readonly<Record<string, Directive>> = {
  tokens: {
    does: "answers with exactly this many tokens of prose; `max_tokens` still cuts",
    parameters: { tokens: "50" },
    apply: (behaviour, values) => {
      behaviour.tokens = number(values, "tokens");
    },
  },
  huge: {
    does: "a very large answer, whatever `max_tokens` says, made as the reader takes it",
    parameters: { tokens: "100000" },
    apply: (behaviour, values) => {
      behaviour.tokens = number(values, "tokens");
      behaviour.unlimited = true;
    },
  },
  echo: {
    does: "answers with the rest of the message after this directive and one white space, character for character",
    parameters: {},
    apply: () => {},
  },
  calls: {
    does: "calls this many tools at once, where the request allows more than one",
    parameters: { calls: "2" },
    apply: (behaviour, values) => {
      behaviour.calls = number(values, "calls");
    },
  },
  rounds: {
    does: "calls the tool of this name, else the first, until it has answered this often, and then answers in text",
    parameters: { rounds: "2", tool: "" },
    apply: (behaviour, values) => {
      behaviour.rounds = { count: number(values, "rounds"), tool: values.tool ?? "" };
    },
  },
  text: {
    does: "answers in text though tools are offered (unless one is forced)",
    parameters: {},
    apply: (behaviour) => {
      behaviour.textOnly = true;
    },
  },
  pace: {
    does: "this many milliseconds for each token; 0 is as fast as the reader takes it",
    parameters: { pace: "20" },
    apply: (behaviour, values) => {
      behaviour.paceMs = number(values, "pace");
    },
  },
  slow: {
    does: "this many milliseconds before the head and for each token",
    parameters: { ms: "100" },
    apply: (behaviour, values) => {
      behaviour.delayMs = number(values, "ms");
      behaviour.paceMs = number(values, "ms");
    },
  },
  delay: {
    does: "this many milliseconds before the head",
    parameters: { ms: "1000" },
    apply: (behaviour, values) => {
      behaviour.delayMs = number(values, "ms");
    },
  },
  quiet: {
    does: "silence for this many milliseconds in the middle of a stream",
    parameters: { ms: "1000", after: "1" },
    apply: breaks("quiet"),
  },
  shred: {
    does: "writes the answer in pieces of this many bytes",
    parameters: { bytes: "7" },
    apply: (behaviour, values) => {
      behaviour.shred = Math.max(1, number(values, "bytes"));
    },
  },
  throttle: {
    does: "429; Azure adds `retry-after` of `seconds`, Bedrock sends none",
    parameters: { status: "429", seconds: "1" },
    apply: fail,
  },
  overloaded: { does: "503, out of capacity", parameters: { status: "503" }, apply: fail },
  status: { does: "this HTTP status with the error that the cloud gives it", parameters: { status: "500" }, apply: fail },
  fail: {
    does: "an HTTP error by `status` or by the name of an AWS exception; `shape=anthropic` gives it the body that newer models on Bedrock use",
    parameters: { status: "", type: "", seconds: "0", shape: "" },
    apply: (behaviour, values) => fail(behaviour, values.status === "" && values.type === "" ? { ...values, status: "500" } : values),
  },
  "too-long": { does: "400, the input is too long for the model", parameters: { type: "too-long", status: "400" }, apply: fail },
  exception: {
    does: "an exception frame (Bedrock) or an error event (Azure) after so many tokens, 0 being the first thing on the stream; an HTTP error where the call does not stream",
    parameters: { type: "", after: "0" },
    apply: breaks("exception"),
  },
  stall: { does: "stops for ever after so many tokens; 0 is before the head", parameters: { after: "0" }, apply: breaks("stall") },
  cut: {
    does: "closes the connection in the middle of the frame or event that follows so many tokens",
    parameters: { after: "0" },
    apply: breaks("cut"),
  },
  truncate: {
    does: "ends the answer as if it were whole, without its last event; or after so many tokens",
    parameters: { after: "end" },
    apply: breaks("truncate"),
  },
  corrupt: {
    does: "a frame whose checksum is wrong (Bedrock) or an event that is not JSON (Azure) after so many tokens",
    parameters: { after: "0" },
    apply: breaks("corrupt"),
  },
  malformed: {
    does: "an answer that is not HTTP",
    parameters: {},
    apply: (behaviour) => {
      behaviour.malformed = true;
    },
  },
  "hang-up": {
    does: "closes the connection without an answer",
    parameters: {},
    apply: (behaviour) => {
      behaviour.hangUp = true;
    },
  },
  filter: {
    does: "the content filter stops the answer after so many tokens; 0 refuses the prompt (Azure: 400, Bedrock: `refusal`)",
    parameters: { after: "0" },
    apply: (behaviour, values) => {
      behaviour.filterAfter = number(values, "after");
    },
  },
  "no-betas": {
    does: "Bedrock refuses every beta flag, as it did with Opus 4.7 in the first weeks",
    parameters: {},
    apply: (behaviour) => {
      behaviour.noBetas = true;
    },
  },
  blocked: {
    does: "Bedrock: the guardrail that looks at the call blocks it; a call without one is answered",
    parameters: {},
    apply: (behaviour) => {
      behaviour.blocked = true;
    },
  },
  "async-filter": {
    does: "Azure's asynchronous filter: its verdicts come in chunks of their own, without `delta`",
    parameters: {},
    apply: (behaviour) => {
      behaviour.asyncFilter = true;
    },
  },
};

/** The sandbox was asked for something that it does not know. */
export class UnknownDirective extends Error {}

export function number(values: Values, name: string): number {
  const value = values[name];
  if (value === undefined || value === "") return 0;
  const parsed = Number(value);
  if (!(parsed >= 0)) throw new UnknownDirective(`[sandbox: …] ${name}=${value}: expected a number that is not negative.`);
  return parsed;
}
