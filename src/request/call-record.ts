import type { CallRecord } from "../metrics/records.ts";
import type { Outcome } from "./outcome.ts";
import type { Visit } from "./visit.ts";

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
