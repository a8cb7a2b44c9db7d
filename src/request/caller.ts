/** The client of a call, as far as its headers name it, and what the call belongs to. */
import { type Along, NOTHING_ALONG } from "../contract/call.ts";
import type { Config } from "../contract/config.ts";
import type { Asked, HeaderReader } from "../contract/http.ts";
import type { CallSpan, Tracing } from "../tracing/tracing.ts";
import type { TrustedProxies } from "./forwarded.ts";
import { Timing } from "./timing.ts";
import { type Followed, followedIn, passedOn } from "./trace-context.ts";

/** Keys begin like these. A client may put a key into the wrong header, and it must not reach the log. */
const KEY_LIKE = /weir_|sk-|eyJ|AKIA|ASIA|ABSK|bearer /i;
const OTHER_THAN_AGENT = /[^A-Za-z0-9 ._:;@/()+,=~*-]/g;
const OTHER_THAN_ID = /[^A-Za-z0-9._:@/+=~-]/g;
/** A user is named by an id, or by several of them in JSON. */
const OTHER_THAN_USER = /[^A-Za-z0-9._:@/+=~{}",|-]/g;
const LENGTHS = { agent: 120, session: 128, tag: 64, user: 256 } as const;

/** Agents that are remembered: a fleet has a few dozen of them, and a client can send any. */
const MOST_AGENTS = 500;

/** Headers in which clients name themselves; the first that is sent counts. */
const SESSION_HEADERS = ["x-claude-code-session-id", "session-id", "thread-id"] as const;

/** What is known of a call's client. */
export interface Caller {
  /** Its fields of the access line, each with a comma before it. */
  readonly text: string;
  readonly address: string;
  readonly session: string;
  readonly followed: Followed | undefined;
  /** Undefined where the answer does not say where its time went. */
  readonly timing: Timing | undefined;
  /** Undefined where the call is not traced. */
  readonly span: CallSpan | undefined;
  /** The end user, as the body names one; "" where it does not. Set when the body has been read. */
  user: string;
}

/** The route and trace of a request. */
export interface Endpoint {
  /** The route's name in metrics and log. */
  route: string;
  /** The operation that is asked for; "" without one. */
  operation: string;
}

/** The part of the configuration that `Callers` reads. */
type CallerConfig = Pick<Config, "log"> & { server: Pick<Config["server"], "serverTiming"> };

/** Looks at the headers of requests for what their lines say of the caller. */
export class Callers {
  readonly #proxies: TrustedProxies;
  readonly #tracing: Tracing | undefined;
  readonly #agents = new Map<string, string>();

  /** @param tracing - Undefined where calls are not traced. */
  constructor(proxies: TrustedProxies, tracing: Tracing | undefined) {
    this.#proxies = proxies;
    this.#tracing = tracing;
  }

  of(
    { method, headers, address: peer }: Pick<Asked, "method" | "headers" | "address">,
    { route, operation }: Endpoint,
    { log, server }: CallerConfig,
  ): Caller {
    const followed = followedIn(headers);
    const isTimed = server.serverTiming === "always" || headers.get("x-weir-timing") === "1";
    const timing = isTimed ? new Timing() : undefined;
    let text = "";
    let [address, session] = ["", ""];
    if (log.attribution) {
      address = this.#proxies.clientOf(peer, headers);
      session = sessionIn(headers);
      text = `,"client":${JSON.stringify(address)}`;
      const agent = headers.get("user-agent");
      if (agent !== null && agent !== "") text += `,"user_agent":${this.#agent(agent)}`;
      if (session !== "") text += `,"session":${JSON.stringify(session)}`;
      const tag = headers.get("x-weir-tag");
      if (tag !== null && tag !== "") text += `,"tag":${JSON.stringify(harmless(tag, LENGTHS.tag, OTHER_THAN_ID))}`;
    }
    if (followed !== undefined && followed.requestId !== "") {
      text += `,"client_request_id":"${followed.requestId}"`;
    }
    const span = this.#tracing?.begin({
      method,
      route,
      operation,
      traceparent: followed?.traceparent ?? "",
      tracestate: followed?.tracestate ?? "",
    });
    const traceId = span?.traceId ?? followed?.traceId ?? "";
    if (traceId !== "") text += `,"trace_id":"${traceId}"`;
    return { text, address, session, followed, timing, span, user: "" };
  }

  /** The text in quotes. */
  #agent(sent: string): string {
    const known = this.#agents.get(sent);
    if (known !== undefined) return known;
    const quoted = JSON.stringify(harmless(sent, LENGTHS.agent, OTHER_THAN_AGENT));
    if (this.#agents.size >= MOST_AGENTS) this.#agents.clear();
    // The key is cut from its head, which would stay as long.
    this.#agents.set(JSON.parse(JSON.stringify(sent)) as string, quoted);
    return quoted;
  }
}

/** The session that a client names in its headers, in a form fit for a line; "" without one. */
function sessionIn(headers: HeaderReader): string {
  for (const name of SESSION_HEADERS) {
    const value = headers.get(name);
    if (value !== null && value !== "") return harmless(value, LENGTHS.session, OTHER_THAN_ID);
  }
  return "";
}

/** What the call's next attempt sends along. */
export function alongOf({ followed, span, timing }: Caller): Along {
  if (followed === undefined && span === undefined && timing === undefined) return NOTHING_ALONG;
  return { passedOn: passedOn(followed, span?.attemptParent ?? ""), isTimed: timing !== undefined };
}

/** Sets the end user of a call, once its body has been read. */
export function noteUser(caller: Caller, user: string, { log }: Pick<Config, "log">): void {
  if (user !== "" && log.attribution) caller.user = harmless(user, LENGTHS.user, OTHER_THAN_USER);
}

/** A client's text, cut, and with "?" for characters that a line cannot have; "?" alone for a text that may be a key. */
function harmless(sent: string, most: number, others: RegExp): string {
  const cut = sent.slice(0, most);
  return KEY_LIKE.test(cut) ? "?" : cut.replace(others, "?");
}
