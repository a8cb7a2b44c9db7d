import type { Dialect } from "../contract/dialect.ts";
import { ReplyHeaders } from "../contract/http.ts";
import type { Usage } from "../contract/usage.ts";
import type { Claim } from "../limiter/admission.ts";
import type { Reservation } from "../limiter/limiter.ts";
import type { Attempt } from "../routing/router.ts";
import type { Offer } from "../routing/table.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import type { Caller } from "./caller.ts";
import type { Identity } from "./keyring.ts";
import type { Outcome } from "./outcome.ts";
import { nextRequestId } from "./request-id.ts";

/** The label of requests that no route takes. */
export const NO_ROUTE = "other";

/** Of requests that take nothing from a window, or have not come so far. */
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

/** Of visits without an attempt. */
const NO_ATTEMPTS: readonly Attempt<RoutedTarget>[] = [];
/** The headers of visits whose answer has begun. */
const GIVEN_AWAY = new ReplyHeaders();

/**
 * What is known of a request so far. Each step of its way adds what that step has found, by the method of that name, in the order in which the methods
 * are below; nothing else changes it. The metrics, the totals and the access log read it once, at the end.
 */
export class Visit {
  readonly dialect: Dialect;
  /** The route as metrics and log name it. */
  readonly route: string;
  readonly requestId: string;
  /** Who makes it, as its headers tell. */
  readonly caller: Caller;
  /** `performance.now()` */
  readonly startedMs: number;
  #headers: ReplyHeaders;
  #identity: Identity | undefined;
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
   * @param region - As the path names it; "" where it names none.
   * @param fixedHeaders - On every answer of this gateway.
   */
  constructor(dialect: Dialect, route: string, region: string, caller: Caller, fixedHeaders: Record<string, string> | undefined) {
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

  /** Its key is known. A path without a region means the workspace's own. */
  identified(identity: Identity): void {
    this.#identity = identity;
    this.caller.timing?.end("auth");
    this.#region ||= identity.workspace.defaultRegion ?? "";
  }

  /**
   * All of its body is there.
   * @param uploadMs - How long it took to come.
   * @param conversation - As the client names it; see `conversation`.
   */
  bodyArrived(bytes: number, uploadMs: number, conversation: number): void {
    this.#bytes = bytes;
    this.#uploadMs = uploadMs;
    this.caller.timing?.lasted("body", uploadMs);
    this.#conversation = conversation;
  }

  /** The body is what its dialect allows. */
  checked(stream: boolean): void {
    this.#stream = stream;
  }

  /** No model has this name, which is as the log may have it. */
  modelRefused(name: string): void {
    this.#refusedModel = name;
  }

  /** Its model is served here. `claim` and `factor`: of a request that takes from a window. */
  routed(offer: Offer, claim: Claim = NO_CLAIM, factor = 1): void {
    this.#offer = offer;
    this.#claim = claim;
    this.#factor = factor;
  }

  /** The conversation was found in the body: it counts where the client has named none. */
  continues(conversation: number): void {
    if (this.#conversation === 0) this.#conversation = conversation;
  }

  /** The limiter has let it in. */
  admitted(reservation: Reservation): void {
    this.#reservation = reservation;
  }

  /** It is tried at a target. `claim` and `factor`: by what the upstream of this target has taught. */
  attempted(attempt: Attempt<RoutedTarget>, claim: Claim, factor: number): void {
    this.caller.timing?.begin("queue");
    this.#attempts = this.#attempts.length === 0 ? [attempt] : [...this.#attempts, attempt];
    this.#claim = claim;
    this.#factor = factor;
  }

  /** The last attempt was chosen and not made. */
  withdrawn(): void {
    this.#attempts = this.#attempts.slice(0, -1);
  }

  /** The cloud's guardrail has blocked or changed its answer, which says so where that has not begun. */
  guarded(): void {
    this.#isGuarded = true;
    if (this.#headers !== GIVEN_AWAY) this.#headers.set("x-weir-guardrail", "intervened");
  }

  /** The headers for the answer, once: a stream may stay open for an hour, and they are a tenth of what it holds. */
  takeHeaders(): ReplyHeaders {
    const headers = this.#headers;
    const { timing } = this.caller;
    if (timing !== undefined && this.#identity !== undefined) headers.set("server-timing", timing.text);
    this.#headers = GIVEN_AWAY;
    return headers;
  }

  /** It is over. `used`: as far as that is known. */
  ended(used: Usage | undefined): void {
    this.#used = used;
  }

  /** What its answer says whatever it is; filled in on the way. One object for all: to copy a record into it costs twice as much. */
  get headers(): ReplyHeaders {
    return this.#headers;
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** The name of its workspace; "" before that is known. */
  get workspace(): string {
    return this.#identity?.workspace.name ?? "";
  }

  get region(): string {
    return this.#region;
  }

  /** Length of the body. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds that its body took to arrive: the client's own time. */
  get uploadMs(): number {
    return this.#uploadMs;
  }

  /** Hash of the conversation that it belongs to; 0 where that is not known or does not matter. */
  get conversation(): number {
    return this.#conversation;
  }

  /** The answer is to be a stream. */
  get stream(): boolean {
    return this.#stream;
  }

  /** The name of a model that there is not, as the log may have it. */
  get refusedModel(): string | undefined {
    return this.#refusedModel;
  }

  get offer(): Offer | undefined {
    return this.#offer;
  }

  get claim(): Claim {
    return this.#claim;
  }

  /** What estimates of this call are multiplied by. */
  get factor(): number {
    return this.#factor;
  }

  get reservation(): Reservation | undefined {
    return this.#reservation;
  }

  /** Where it was tried, in order; none where it never reached an upstream. */
  get attempts(): readonly Attempt<RoutedTarget>[] {
    return this.#attempts;
  }

  /** The attempt that was made last. */
  get lastAttempt(): Attempt<RoutedTarget> | undefined {
    return this.#attempts[this.#attempts.length - 1];
  }

  /** The cloud's guardrail has blocked or changed its answer. */
  get isGuarded(): boolean {
    return this.#isGuarded;
  }

  /** Tokens, known at its end. */
  get used(): Usage | undefined {
    return this.#used;
  }
}

/**
 * Whether a call that a worker had was put to its upstream: not where the worker refused it by Weir's own rules, or the client left before it
 * was sent. Credentials that cannot be had are the upstream's matter, though nothing is sent then.
 */
export function wasAttempted({ outcome, ended }: Outcome): boolean {
  return ended === undefined || ended.upstreamMs > 0 || outcome === "misconfigured" || outcome.startsWith("upstream_");
}
