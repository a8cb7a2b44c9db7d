/** What a traced call tells its spans. Functions over the visit; nothing here is reached by a call that is not traced. */
import type { Ended } from "../contract/call.ts";
import type { CallSpan } from "../tracing/tracing.ts";
import type { Outcome } from "./outcome.ts";
import type { Visit } from "./visit.ts";

/** An attempt begins: the last one of the visit. */
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

export function endAttemptSpan(span: CallSpan, outcome: Outcome["outcome"], ended: Ended | undefined): void {
  span.attemptEnded({
    outcome,
    usage: ended?.usage,
    firstByteMs: ended?.firstByteMs ?? 0,
    upstreamRequestId: ended?.upstreamRequestId ?? "",
    sendings: ended?.attempts ?? 0,
  });
}

export function endSpan(span: CallSpan, visit: Visit, { outcome, status }: Outcome): void {
  const { requestId, identity, region, offer, attempts, caller } = visit;
  span.ended({
    requestId,
    workspace: identity?.workspace.name ?? "",
    keyId: identity?.id ?? "",
    model: offer?.model ?? "",
    // Of a region that was not found, the path has a name that a client wrote.
    region: identity === undefined ? "" : region,
    status,
    outcome,
    attempts: attempts.length,
    client: caller.address,
  });
}
