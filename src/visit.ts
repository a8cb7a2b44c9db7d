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
  readonly headers: Record<string, string>;
  identity: Identity | undefined;
  region: string;
  stream: boolean;
  /** Length of the body. */
  bytes: number;
  claim: Claim;
  reservation: Reservation | undefined;
  offer: Offer | undefined;
  target: RoutedTarget | undefined;
}

/** @param fixedHeaders - On every answer of this gateway. */
export function beginVisit(dialect: Dialect, route: string, region: string, fixedHeaders: Record<string, string>): Visit {
  const requestId = nextRequestId();
  return {
    dialect,
    route,
    requestId,
    startedMs: performance.now(),
    headers: { ...fixedHeaders, "request-id": requestId, "x-request-id": requestId },
    identity: undefined,
    region,
    stream: false,
    bytes: 0,
    claim: NO_CLAIM,
    reservation: undefined,
    offer: undefined,
    target: undefined,
  };
}

/** A visit that has ended, as the metrics see it. */
export function callRecord(visit: Visit, { outcome, ended, firstByteAtMs }: Outcome): CallRecord {
  const firstByteMs = firstByteAtMs === undefined ? undefined : firstByteAtMs - visit.startedMs;
  return {
    route: visit.route,
    workspace: visit.identity?.workspace.name ?? "",
    model: visit.offer?.model ?? "other",
    region: visit.offer?.region ?? "other",
    upstream: visit.target?.upstream.name ?? "",
    outcome,
    durationMs: performance.now() - visit.startedMs,
    firstByteMs,
    overheadMs: ended === undefined || firstByteMs === undefined ? undefined : firstByteMs - ended.firstByteMs,
    usage: ended?.usage,
    estimateFactor: ended?.factor,
  };
}

/**
 * The line of the access log; `docs/operations.md` tells its fields. Nothing that a client wrote freely stands in it: not a region or a model that
 * was not found, and not the message of an error, which may quote the body.
 */
export function accessLine(visit: Visit, { outcome, error, ended, firstByteAtMs }: Outcome): Record<string, unknown> {
  return {
    request_id: visit.requestId,
    route: visit.route,
    region: visit.identity === undefined ? undefined : visit.region,
    workspace: visit.identity?.workspace.name ?? "",
    key: visit.identity?.keyName,
    model: visit.offer?.model,
    stream: visit.stream,
    upstream: visit.target?.upstream.name ?? "",
    upstream_model: visit.target?.model,
    upstream_request_id: ended?.upstreamRequestId,
    outcome,
    duration_ms: round(performance.now() - visit.startedMs),
    first_byte_ms: firstByteAtMs === undefined ? undefined : round(firstByteAtMs - visit.startedMs),
    upstream_ms: ended === undefined ? undefined : round(ended.upstreamMs),
    input_tokens: ended?.usage.input,
    output_tokens: ended?.usage.output,
    cache_read_tokens: ended?.usage.cacheRead,
    cache_write_tokens: ended?.usage.cacheWrite,
    // Of failures: the field at fault, and where it is ours to mend, what happened and the cure.
    param: error?.detail.param,
    cause: error?.detail.log,
  };
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
