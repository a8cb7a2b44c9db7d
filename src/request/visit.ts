import { randomBytes } from "node:crypto";
import type { Dialect } from "../contract/dialect.ts";
import { ReplyHeaders } from "../contract/http.ts";
import type { Usage } from "../contract/usage.ts";
import type { Claim } from "../limiter/admission.ts";
import type { Reservation } from "../limiter/decision.ts";
import type { Offer } from "../routing/offers.ts";
import type { Attempt } from "../routing/router.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import type { Caller } from "./client/caller.ts";
import type { ClientIdentity } from "./client/keyring.ts";

/**
 * The first part of every request id of this process. It differs for each process and each start, and a counter makes the rest. A new random id for each request
 * would cost twenty times as much.
 */
const idPrefix = `req_${randomBytes(9).toString("base64url")}`;
let requests = 0;

/** `req_` and 20 characters, different from every other id of all gateways. */
function nextRequestId(): string {
  requests += 1;
  return `${idPrefix}${requests.toString(36).padStart(8, "0")}`;
}

/** The route's name in metrics and log for requests without a route. */
export const NO_ROUTE = "other";

/** The claim of requests that take nothing from a window, or whose model is not known yet. */
const NO_CLAIM: Claim = {
  workspace: "",
  model: "",
  window: "calls",
  limits: { rpm: 0, tpm: 0, countRpm: 0, cacheReadWeight: 0, reserveOutput: "expected" },
  upstream: "",
  exact: false,
  maxTokens: 0,
  writes: false,
};

/** The attempts of a visit before its first attempt. */
const NO_ATTEMPTS: readonly Attempt<RoutedTarget>[] = [];
/** The headers of a visit after its answer has taken them. */
const GIVEN_AWAY = new ReplyHeaders();

/**
 * What is known about a request so far. Each step of the request's way calls the method of that step, in the order of the methods below; nothing else changes a
 * visit. The metrics, the totals and the access log read it once, at the end.
 */
export class Visit {
  readonly dialect: Dialect;
  /** The route's name in metrics and log. */
  readonly route: string;
  readonly requestId: string;
  /** What the request's headers say about the client. */
  readonly caller: Caller;
  /** `performance.now()` */
  readonly startedMs: number;
  #headers: ReplyHeaders;
  #identity: ClientIdentity | undefined;
  #region: string;
  #bytes = 0;
  #uploadMs = 0;
  #conversation = 0;
  #stream = false;
  #refusedModel: string | undefined;
  #offer: Offer | undefined;
  #claim = NO_CLAIM;
  #factor = 1;
  #reservation: Reservation | undefined;
  #attempts = NO_ATTEMPTS;
  #isGuarded = false;
  #used: Usage | undefined;

  /**
   * @param region - The region that the path names; "" without one.
   * @param fixedHeaders - Headers that every answer has; undefined without any.
   */
  constructor(dialect: Dialect, route: string, region: string, caller: Caller, fixedHeaders: Readonly<Record<string, string>> | undefined) {
    this.dialect = dialect;
    this.caller = caller;
    this.route = route;
    this.#region = region;
    this.requestId = nextRequestId();
    this.startedMs = performance.now();
    const headers = new ReplyHeaders(fixedHeaders);
    headers.set("request-id", this.requestId);
    headers.set("x-request-id", caller.followed?.requestId || this.requestId);
    const traceparent = caller.span?.traceparent ?? caller.followed?.traceparent ?? "";
    if (traceparent !== "") headers.set("traceparent", traceparent);
    this.#headers = headers;
  }

  /** The key of the request is known. Where the path names no region, the default region of the workspace is used. */
  identified(identity: ClientIdentity): void {
    this.#identity = identity;
    this.caller.timing?.end("auth");
    this.#region ||= identity.workspace.defaultRegion ?? "";
  }

  /**
   * The whole body has arrived.
   * @param bytes - Its length.
   * @param uploadMs - How long it took to arrive.
   * @param conversation - Hash of the session that the headers name; 0 where they name none.
   */
  bodyArrived(bytes: number, uploadMs: number, conversation: number): void {
    this.#bytes = bytes;
    this.#uploadMs = uploadMs;
    this.caller.timing?.lasted("body", uploadMs);
    this.#conversation = conversation;
  }

  /** The body is allowed by its dialect. `stream`: whether it asks for a stream. */
  checked(stream: boolean): void {
    this.#stream = stream;
  }

  /** There is no model of this name. `name`: in a form that the log may have. */
  modelRefused(name: string): void {
    this.#refusedModel = name;
  }

  /** The model of the request is served. `claim` and `factor`: of a request that takes from a window. */
  routed(offer: Offer, claim: Claim = NO_CLAIM, factor = 1): void {
    this.#offer = offer;
    this.#claim = claim;
    this.#factor = factor;
  }

  /** The body names or begins a conversation. It counts where the client's headers name none. */
  continues(conversation: number): void {
    if (this.#conversation === 0) this.#conversation = conversation;
  }

  /** The limiter has admitted the request. */
  admitted(reservation: Reservation): void {
    this.#reservation = reservation;
  }

  /** An attempt at a target begins. `claim` and `factor`: for the upstream of this target. */
  attempted(attempt: Attempt<RoutedTarget>, claim: Claim, factor: number): void {
    this.caller.timing?.begin("queue");
    this.#attempts = this.#attempts.length === 0 ? [attempt] : [...this.#attempts, attempt];
    this.#claim = claim;
    this.#factor = factor;
  }

  /** The last attempt was chosen, but is not made. */
  withdrawn(): void {
    this.#attempts = this.#attempts.slice(0, -1);
  }

  /** The cloud's guardrail has blocked or changed the answer. A header of the answer says so, unless the answer has begun. */
  guarded(): void {
    this.#isGuarded = true;
    if (this.#headers !== GIVEN_AWAY) this.#headers.set("x-weir-guardrail", "intervened");
  }

  /** Gives the headers to the answer, once. The visit does not keep them: a stream may be open for an hour, and they are a tenth of its memory. */
  takeHeaders(): ReplyHeaders {
    const headers = this.#headers;
    const { timing } = this.caller;
    if (timing !== undefined && this.#identity !== undefined) headers.set("server-timing", timing.text);
    this.#headers = GIVEN_AWAY;
    return headers;
  }

  /** The request is over. `used`: the tokens that it used, as far as that is known. */
  ended(used: Usage | undefined): void {
    this.#used = used;
  }

  /** The headers of the answer. Each step adds its own to this one object: to copy them from a record would cost twice as much. */
  get headers(): ReplyHeaders {
    return this.#headers;
  }

  get identity(): ClientIdentity | undefined {
    return this.#identity;
  }

  /** The name of the workspace; "" before the key is known. */
  get workspace(): string {
    return this.#identity?.workspace.name ?? "";
  }

  get region(): string {
    return this.#region;
  }

  /** Length of the body; 0 before it has arrived. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds that the body took to arrive. */
  get uploadMs(): number {
    return this.#uploadMs;
  }

  /** Hash of the conversation that the request belongs to; 0 where that is not known or does not matter. */
  get conversation(): number {
    return this.#conversation;
  }

  /** Whether the client asks for a stream. */
  get stream(): boolean {
    return this.#stream;
  }

  /** The name of a model that does not exist, in a form that the log may have. */
  get refusedModel(): string | undefined {
    return this.#refusedModel;
  }

  get offer(): Offer | undefined {
    return this.#offer;
  }

  get claim(): Claim {
    return this.#claim;
  }

  /** The factor by which estimates of this request are multiplied. */
  get factor(): number {
    return this.#factor;
  }

  get reservation(): Reservation | undefined {
    return this.#reservation;
  }

  /** The attempts at targets, in order; empty where the request did not reach an upstream. */
  get attempts(): readonly Attempt<RoutedTarget>[] {
    return this.#attempts;
  }

  get lastAttempt(): Attempt<RoutedTarget> | undefined {
    return this.#attempts[this.#attempts.length - 1];
  }

  /** Whether the cloud's guardrail has blocked or changed the answer. */
  get isGuarded(): boolean {
    return this.#isGuarded;
  }

  /** The tokens that the request used; undefined before its end, and where that is not known. */
  get used(): Usage | undefined {
    return this.#used;
  }
}
