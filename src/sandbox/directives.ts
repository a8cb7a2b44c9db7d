/**
 * Directives: what the text of the last user message asks of a stand-in, as in `[sandbox: stall after=3]`. An unchanged client library can send them
 * through the gateway. `docs/sandbox.md` has the same table; a test compares the two.
 */
import { type Behaviour, type Break, USUAL, usual } from "./behaviour.ts";

type Values = Readonly<Record<string, string>>;

interface Directive {
  /** What it does, as `docs/sandbox.md` says it. */
  does: string;
  /** Parameters and their defaults. A parameter of the directive's own name can be written `name=value`. */
  parameters: Readonly<Record<string, string>>;
  apply(behaviour: Behaviour, values: Values): void;
}

const fail = (behaviour: Behaviour, values: Values): void => {
  behaviour.failure = {
    status: statusIn(values),
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
    does: "answers with exactly this many tokens of prose; `max_tokens` still cuts it",
    parameters: { tokens: "50" },
    apply: (behaviour, values) => {
      behaviour.tokens = number(values, "tokens");
    },
  },
  huge: {
    does: "a very large answer, whatever `max_tokens` says, made while the client reads it",
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
    does: "calls the tool of this name, or else the first one, until it has answered this many times; then answers in text",
    parameters: { rounds: "2", tool: "" },
    apply: (behaviour, values) => {
      behaviour.rounds = { count: number(values, "rounds"), tool: values.tool ?? "" };
    },
  },
  text: {
    does: "answers in text although tools are offered, unless one is forced",
    parameters: {},
    apply: (behaviour) => {
      behaviour.textOnly = true;
    },
  },
  pace: {
    does: "this many milliseconds for each token; 0 is as fast as the client reads",
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
    does: "429; Azure adds `retry-after` with `seconds`, Bedrock adds none",
    parameters: { status: "429", seconds: "1" },
    apply: fail,
  },
  overloaded: { does: "503, out of capacity", parameters: { status: "503" }, apply: fail },
  status: { does: "this HTTP status, with the cloud's own error for it", parameters: { status: "500" }, apply: fail },
  fail: {
    does: "an HTTP error by `status` or by the name of an AWS exception; `shape=anthropic` gives it the body that newer models on Bedrock use",
    parameters: { status: "", type: "", seconds: "0", shape: "" },
    apply: (behaviour, values) => fail(behaviour, values.status === "" && values.type === "" ? { ...values, status: "500" } : values),
  },
  "too-long": { does: "400, the input is too long for the model", parameters: { type: "too-long", status: "400" }, apply: fail },
  exception: {
    does: "an exception frame (Bedrock) or an error event (Azure) after this many tokens; with 0 it is the first frame of the stream; an HTTP error where the call does not stream",
    parameters: { type: "", after: "0" },
    apply: breaks("exception"),
  },
  stall: { does: "stops for ever after this many tokens; 0 is before the head", parameters: { after: "0" }, apply: breaks("stall") },
  cut: {
    does: "closes the connection in the middle of the frame or event that follows this many tokens",
    parameters: { after: "0" },
    apply: breaks("cut"),
  },
  truncate: {
    does: "ends the answer as if it were whole, without its last event or after this many tokens",
    parameters: { after: "end" },
    apply: breaks("truncate"),
  },
  corrupt: {
    does: "a frame whose checksum is wrong (Bedrock) or an event that is not JSON (Azure) after this many tokens",
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
    does: "the content filter stops the answer after this many tokens; 0 refuses the prompt (Azure: 400, Bedrock: `refusal`)",
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
    does: "Bedrock: the guardrail that checks the call blocks it; a call without a guardrail is answered",
    parameters: {},
    apply: (behaviour) => {
      behaviour.blocked = true;
    },
  },
  "async-filter": {
    does: "Azure's asynchronous filter: its results come in separate chunks, without `delta`",
    parameters: {},
    apply: (behaviour) => {
      behaviour.asyncFilter = true;
    },
  },
};

/** A directive, a parameter or a value that the sandbox does not take. */
export class UnknownDirective extends Error {}

function number(values: Values, name: string): number {
  const value = values[name];
  if (value === undefined || value === "") return 0;
  const parsed = Number(value);
  if (!(parsed >= 0)) throw new UnknownDirective(`[sandbox: …] ${name}=${value}: expected a number that is not negative.`);
  return parsed;
}

/** An HTTP status that a server can send after a request; 0 where none is given. */
function statusIn(values: Values): number {
  const status = number(values, "status");
  if (values.status && !(Number.isInteger(status) && status >= 200 && status <= 599))
    throw new UnknownDirective(`[sandbox: …] status=${values.status}: expected a status from 200 to 599.`);
  return status;
}

/** Parameters that every directive has: only the first `times` requests with the same text, and only models whose upstream name contains `for`. */
const COMMON_PARAMETERS: readonly string[] = ["times", "for"];

interface Order {
  directive: Directive;
  name: string;
  values: Record<string, string>;
}

/** In `a b=1 c=2`, `b=1` and `c=2` belong to the directive `a` where it has parameters of these names. Otherwise they are directives themselves. */
function parse(inside: string): { orders: Order[]; common: Record<string, string> } {
  const orders: Order[] = [];
  const common: Record<string, string> = {};
  for (const item of inside.split(/[\s,]+/).filter(Boolean)) {
    const [name = "", value] = item.split("=", 2);
    const last = orders.at(-1);
    const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
    if (value !== undefined && COMMON_PARAMETERS.includes(name)) common[name] = value;
    else if (value !== undefined && last !== undefined && name !== last.name && Object.hasOwn(last.directive.parameters, name))
      last.values[name] = value;
    else if (directive !== undefined && (value === undefined || Object.hasOwn(directive.parameters, name))) {
      orders.push({ directive, name, values: { ...directive.parameters, ...(value === undefined ? {} : { [name]: value }) } });
    } else throw new UnknownDirective(`[sandbox: …] does not know "${item}". Directives: ${Object.keys(DIRECTIVES).join(", ")}.`);
  }
  return { orders, common };
}

const MOST_REMEMBERED = 1_000;

/** Reads directives, and counts how often each one with `times` was used. A sandbox has one reader. */
export class DirectiveReader {
  readonly #obeyed = new Map<string, number>();

  /**
   * @param message text of the last user message
   * @param model the upstream's name of the model that was called
   * @throws UnknownDirective for a name or parameter that does not exist, and for a value that cannot be used
   */
  read(message: string, model: string): Readonly<Behaviour> {
    if (!message.includes("[sandbox:")) return USUAL;
    const behaviour = usual();
    for (const found of message.matchAll(/\[sandbox:([^\]]*)\]/g)) {
      const { orders, common } = parse(found[1] ?? "");
      if (common.for !== undefined && !model.includes(common.for)) continue;
      if (common.times !== undefined && !this.#take(`${found.index} ${message}`, number(common, "times"))) continue;
      for (const { directive, name, values } of orders) {
        directive.apply(behaviour, values);
        if (name === "echo") behaviour.echo = message.slice(found.index + found[0].length).replace(/^\s/, "");
      }
    }
    return behaviour;
  }

  #take(place: string, times: number): boolean {
    const count = (this.#obeyed.get(place) ?? 0) + 1;
    if (count > times) return false;
    if (this.#obeyed.size >= MOST_REMEMBERED) this.#obeyed.clear();
    this.#obeyed.set(place, count);
    return true;
  }
}
