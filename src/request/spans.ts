/** The spans of a traced call, set from its visit. A call that is not traced calls nothing here. */
import type { Ended } from "../contract/call.ts";
import type { CallSpan } from "../tracing/tracing.ts";
import type { Outcome } from "./outcome.ts";
import type { Visit } from "./visit.ts";

/** Begins the span of the last attempt. */
export function beginAttemptSpan(span: CallSpan, visit: Visit): void {
  const target = visit.lastAttempt?.target;
  if (target === undefined) return;
  const { upstream, model } = target;
  span.attemptBegan({
    provider: upstream.telemetryName,
    upstream: upstream.name,
    model,
    stream: visit.stream,
    maxTokens: visit.claim.maxTokens,
    session: visit.caller.session,
  });
}

/** Ends the span of the last attempt. */
export function endAttemptSpan(span: CallSpan, outcome: Outcome["outcome"], ended: Ended | undefined): void {
  span.attemptEnded({
    outcome,
    usage: ended?.usage,
    firstByteMs: ended?.firstByteMs ?? 0,
    upstreamRequestId: ended?.upstreamRequestId ?? "",
    sendings: ended?.attempts ?? 0,
  });
}

/** Ends the span of the call. */
export function endSpan(span: CallSpan, visit: Visit, { outcome, status }: Outcome): void {
  const { requestId, identity, region, offer, attempts, caller } = visit;
  span.ended({
    requestId,
    workspace: identity?.workspace.name ?? "",
    keyId: identity?.id ?? "",
    model: offer?.model ?? "",
    // Before the key is known, the region is any text that a client wrote.
    region: identity === undefined ? "" : region,
    status,
    outcome,
    attempts: attempts.length,
    client: caller.address,
  });
}
