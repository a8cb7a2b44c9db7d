/** What the headers of a request say about its client: address, agent, session, trace. */
import { type Along, NOTHING_ALONG } from "../../contract/call.ts";
import type { Config } from "../../contract/config.ts";
import { hashText } from "../../contract/hash.ts";
import type { Asked, HeaderReader } from "../../contract/http.ts";
import type { CallSpan, Tracing } from "../../tracing/tracing.ts";
import type { TrustedProxies } from "./forwarded.ts";
import { Timing } from "./timing.ts";
import { type Followed, followedIn, passedOn } from "./trace-context.ts";

/** Beginnings of keys. A client may put a key into the wrong header, and no key may reach the log. */
const KEY_LIKE = /weir_|sk-|eyJ|AKIA|ASIA|ABSK|bearer /i;
const OTHER_THAN_AGENT = /[^A-Za-z0-9 ._:;@/()+,=~*-]/g;
const OTHER_THAN_ID = /[^A-Za-z0-9._:@/+=~-]/g;
/** A user has an id, or several ids in JSON. */
const OTHER_THAN_USER = /[^A-Za-z0-9._:@/+=~{}",|-]/g;
const LENGTHS = { agent: 120, session: 128, tag: 64, user: 256 } as const;

/** The most agents that are remembered. The clients of a company have a few dozen, but a client can send any text. */
const MOST_AGENTS = 500;

/** Headers by which clients name their session; the first that is sent counts. Source: Claude Code, Codex. */
const SESSION_HEADERS = ["x-claude-code-session-id", "session-id", "thread-id"] as const;
/** Headers by which the calls of a session get the same target. Source of the last one: other gateways read it. */
const AFFINITY_HEADERS = [...SESSION_HEADERS, "x-session-affinity"] as const;

/** What is known about the client of a request. */
export interface Caller {
  /** The fields of the access line that describe the client, each with a comma before it. */
  readonly text: string;
  /** The client's address; "" where `log.attribution` is off. */
  readonly address: string;
  /** The session that the client names, in a form that the log may have; "" without one, and where `log.attribution` is off. */
  readonly session: string;
  /** The trace and the id that the client sent; undefined without them. */
  readonly followed: Followed | undefined;
  /** Undefined where the answer has no `Server-Timing`. */
  readonly timing: Timing | undefined;
  /** Undefined where the call is not traced. */
  readonly span: CallSpan | undefined;
  /** The end user that the body names; "" without one, and before the body has been checked. */
  user: string;
}

/** The route and the operation of a request. */
export interface Endpoint {
  /** The route's name in metrics and log. */
  route: string;
  /** "" where no route has the path. */
  operation: string;
}

/** The part of the configuration that `Callers` reads. */
type CallerConfig = Pick<Config, "log"> & { server: Pick<Config["server"], "serverTiming"> };

/** Reads the headers of requests. */
export class Callers {
  readonly #proxies: TrustedProxies;
  readonly #tracing: Tracing | undefined;
  readonly #agents = new Map<string, string>();

  /** @param tracing - Undefined where calls are not traced. */
  constructor(proxies: TrustedProxies, tracing: Tracing | undefined) {
    this.#proxies = proxies;
    this.#tracing = tracing;
  }

  /** Reads the headers of one request. */
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
      const named = firstOf(SESSION_HEADERS, headers);
      if (named !== "") session = harmless(named, LENGTHS.session, OTHER_THAN_ID);
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
    // A copy of the text: the text itself is a part of the request's head, and would keep the whole head in memory.
    this.#agents.set(JSON.parse(JSON.stringify(sent)) as string, quoted);
    return quoted;
  }
}

/** A number for the session that a client names in its headers, by which its calls get the same target; 0 without a session. */
export function sessionHash(headers: Pick<HeaderReader, "get">): number {
  const session = firstOf(AFFINITY_HEADERS, headers);
  return session === "" ? 0 : hashText(session) || 1;
}

/** The first of these headers that the client sent; "" where it sent none. */
function firstOf(names: readonly string[], headers: Pick<HeaderReader, "get">): string {
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null && value !== "") return value;
  }
  return "";
}

/** What the next attempt of the call sends to the upstream, beside the request. */
export function alongOf({ followed, span, timing }: Caller): Along {
  if (followed === undefined && span === undefined && timing === undefined) return NOTHING_ALONG;
  return { passedOn: passedOn(followed, span?.attemptParent ?? ""), isTimed: timing !== undefined };
}

/** Sets the end user of a call, after its body has been checked. */
export function noteUser(caller: Caller, user: string, { log }: Pick<Config, "log">): void {
  if (user !== "" && log.attribution) caller.user = harmless(user, LENGTHS.user, OTHER_THAN_USER);
}

/** A client's text in a form that the log may have: cut, with a "?" for each character in `others`; a single "?" for a text that may be a key. */
function harmless(sent: string, most: number, others: RegExp): string {
  const cut = sent.slice(0, most);
  return KEY_LIKE.test(cut) ? "?" : cut.replace(others, "?");
}
