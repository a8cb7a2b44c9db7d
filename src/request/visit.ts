import type { Dialect } from "../contract/dialect.ts";
import { ReplyHeaders } from "../contract/http.ts";
import type { Usage } from "../contract/usage.ts";
import type { Claim } from "../limiter/admission.ts";
import type { Reservation } from "../limiter/limiter.ts";
import type { CallRecord } from "../metrics/records.ts";
import type { Attempt } from "../routing/router.ts";
import type { Offer } from "../routing/table.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import type { Outcome } from "./answer.ts";
import type { Identity } from "./keyring.ts";
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

/** What is known of a request so far; filled in from step to step, read once at the end. */
export interface Visit {
  readonly dialect: Dialect;
  /** The route as metrics and log name it. */
  readonly route: string;
  readonly requestId: string;
  readonly startedMs: number;
  /** What its answer says whatever it is; filled in on the way. One object for all: to copy a record into it costs twice as much. See `takeHeaders`. */
  headers: ReplyHeaders;
  identity: Identity | undefined;
  region: string;
  stream: boolean;
  /** Length of the body. */
  bytes: number;
  /** Milliseconds that its body took to arrive: the client's own time. */
  uploadMs: number;
  claim: Claim;
  /** What estimates of this call were multiplied by. */
  factor: number;
  reservation: Reservation | undefined;
  /** Tokens, known at its end. */
  used: Usage | undefined;
  offer: Offer | undefined;
  /** The name of a model that there is not, as the log may have it. */
  refusedModel: string | undefined;
  /** Where it was tried, in order; none where it never reached an upstream. */
  attempts: Attempt<RoutedTarget>[];
  /** The cloud's guardrail has blocked or changed its answer. */
  isGuarded: boolean;
}

/** Of visits without an attempt. */
const NO_ATTEMPTS: Attempt<RoutedTarget>[] = [];

/** The target that was tried last. */
export function lastTarget({ attempts }: Pick<Visit, "attempts">): RoutedTarget | undefined {
  return attempts[attempts.length - 1]?.target;
}

/** Of visits whose answer has begun. */
const GIVEN_AWAY = new ReplyHeaders();

/** The headers for the answer, once: a stream may stay open for an hour, and they are a tenth of what it holds. */
export function takeHeaders(visit: Visit): ReplyHeaders {
  const { headers } = visit;
  visit.headers = GIVEN_AWAY;
  return headers;
}

/** @param fixedHeaders - On every answer of this gateway. */
export function beginVisit(dialect: Dialect, route: string, region: string, fixedHeaders: Record<string, string> | undefined): Visit {
  const requestId = nextRequestId();
  const headers = new ReplyHeaders(fixedHeaders);
  headers.set("request-id", requestId);
  headers.set("x-request-id", requestId);
  return {
    dialect,
    route,
    requestId,
    startedMs: performance.now(),
    headers,
    identity: undefined,
    region,
    stream: false,
    bytes: 0,
    uploadMs: 0,
    claim: NO_CLAIM,
    factor: 1,
    reservation: undefined,
    used: undefined,
    offer: undefined,
    refusedModel: undefined,
    attempts: NO_ATTEMPTS,
    isGuarded: false,
  };
}

/**
 * Whether a call that a worker had was put to its upstream: not where the worker refused it by Weir's own rules, or the client left before it
 * was sent. Credentials that cannot be had are the upstream's matter, though nothing is sent then.
 */
export function wasAttempted({ outcome, ended }: Outcome): boolean {
  return ended === undefined || ended.upstreamMs > 0 || outcome === "misconfigured" || outcome.startsWith("upstream_");
}

/** A visit that has ended, as the metrics see it. `endedMs`: `performance.now()`. */
export function callRecord(visit: Visit, { outcome, ended, firstByteAtMs }: Outcome, endedMs: number): CallRecord {
  const firstByteMs = firstByteAtMs === undefined ? undefined : firstByteAtMs - visit.startedMs;
  return {
    route: visit.route,
    workspace: visit.identity?.workspace.name ?? "",
    model: visit.offer?.model ?? "other",
    region: visit.offer?.region ?? "other",
    upstream: lastTarget(visit)?.upstream.name ?? "",
    outcome,
    durationMs: endedMs - visit.startedMs,
    firstByteMs,
    overheadMs: ended === undefined || firstByteMs === undefined ? undefined : firstByteMs - visit.uploadMs - ended.firstByteMs,
    usage: visit.used,
    estimateFactor: ended === undefined ? undefined : visit.factor,
  };
}
