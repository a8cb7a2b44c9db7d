/** How a call ended: for its client, for its upstream, and for the metrics. */
import type { GatewayError } from "../contract/errors.ts";
import type { CallEnd } from "../limiter/admission.ts";
import type { CallRecord } from "../metrics/calls.ts";
import type { Visit } from "./visit.ts";

/** The status in logs and traces of a call whose client left before its answer began. Some proxies use the same number. */
export const NO_STATUS = 499;

/** How a call ended for its client. */
export interface Outcome extends CallEnd {
  error: GatewayError | undefined;
  /** The status that the client was sent; `NO_STATUS` where it left before there was one. */
  status: number;
}

/**
 * Whether a call that a worker had was sent to its upstream. It was not where the worker refused it by Weir's own rules, or where the client left before
 * it was sent. Credentials that cannot be had count as the upstream's failure, although nothing is sent then.
 */
export function wasAttempted({ outcome, ended }: Outcome): boolean {
  return ended === undefined || ended.upstreamMs > 0 || outcome === "misconfigured" || outcome.startsWith("upstream_");
}

/** A visit that has ended, as the metrics see it. `endedMs`: `performance.now()`. */
export function callRecord(visit: Visit, { outcome, ended, firstByteAtMs }: Outcome, endedMs: number): CallRecord {
  const firstByteMs = firstByteAtMs === undefined ? undefined : firstByteAtMs - visit.startedMs;
  return {
    route: visit.route,
    workspace: visit.workspace,
    model: visit.offer?.model ?? "other",
    region: visit.offer?.region ?? "other",
    upstream: visit.lastAttempt?.target.upstream.name ?? "",
    outcome,
    durationMs: endedMs - visit.startedMs,
    firstByteMs,
    overheadMs: ended === undefined || firstByteMs === undefined ? undefined : firstByteMs - visit.uploadMs - ended.firstByteMs,
    usage: visit.used,
    estimateFactor: ended === undefined ? undefined : visit.factor,
  };
}
