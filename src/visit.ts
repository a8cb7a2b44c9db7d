import type { Outcome } from "./answer.ts";
import type { Identity } from "./auth.ts";
import type { Offer, RoutedTarget } from "./catalog.ts";
import type { Dialect } from "./contract/dialect.ts";
import type { Claim } from "./limiter/admission.ts";
import type { Reservation } from "./limiter/limiter.ts";
import type { CallRecord } from "./metrics.ts";
import { nextRequestId } from "./request-id.ts";

/** The label of requests that no route takes. */
export const NO_ROUTE = "other";

/** Of requests that take nothing from a window, or have not come so far. */
const NO_CLAIM: Claim = {
  workspace: "",
  model: "",
  upstream: "",
  exact: false,
  limits: { rpm: 0, tpm: 0, cacheReadWeight: 0, reserveOutput: "expected" },
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
  headers: Headers;
  identity: Identity | undefined;
  region: string;
  stream: boolean;
  /** Length of the body. */
  bytes: number;
  claim: Claim;
  /** What estimates of this call were multiplied by. */
  factor: number;
  reservation: Reservation | undefined;
  offer: Offer | undefined;
  target: RoutedTarget | undefined;
}

/** Of visits whose answer has begun. */
const GIVEN_AWAY = new Headers();

/** The headers for the answer, once: a stream may stay open for an hour, and they are a tenth of what it holds. */
export function takeHeaders(visit: Visit): Headers {
  const { headers } = visit;
  visit.headers = GIVEN_AWAY;
  return headers;
}

/** @param fixedHeaders - On every answer of this gateway. */
export function beginVisit(dialect: Dialect, route: string, region: string, fixedHeaders: Record<string, string> | undefined): Visit {
  const requestId = nextRequestId();
  const headers = new Headers(fixedHeaders);
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
    claim: NO_CLAIM,
    factor: 1,
    reservation: undefined,
    offer: undefined,
    target: undefined,
  };
}

/** A visit that has ended, as the metrics see it. `endedMs`: `performance.now()`. */
export function callRecord(visit: Visit, { outcome, ended, firstByteAtMs }: Outcome, endedMs: number): CallRecord {
  const firstByteMs = firstByteAtMs === undefined ? undefined : firstByteAtMs - visit.startedMs;
  return {
    route: visit.route,
    workspace: visit.identity?.workspace.name ?? "",
    model: visit.offer?.model ?? "other",
    region: visit.offer?.region ?? "other",
    upstream: visit.target?.upstream.name ?? "",
    outcome,
    durationMs: endedMs - visit.startedMs,
    firstByteMs,
    overheadMs: ended === undefined || firstByteMs === undefined ? undefined : firstByteMs - ended.firstByteMs,
    usage: ended?.usage,
    estimateFactor: ended === undefined ? undefined : visit.factor,
  };
}
