/** The attempts of a call: the router chooses each, and each is counted when it ends. These are functions over the visit, so that a call needs no further object. */
import type { Ended } from "../contract/call.ts";
import { type FailureDetail, GatewayError } from "../contract/errors.ts";
import type { Admission } from "../limiter/admission.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Offer } from "../routing/offers.ts";
import type { Attempt, Router } from "../routing/router.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import type { Outcome } from "./outcome.ts";
import { beginAttemptSpan, endAttemptSpan } from "./spans.ts";
import type { Visit } from "./visit.ts";

export interface AttemptParts {
  router: Router<RoutedTarget>;
  admission: Admission;
  metrics: Metrics;
}

/**
 * Begins the first attempt of a call that was admitted.
 * @throws GatewayError `overloaded`
 */
export function firstAttempt(parts: AttemptParts, visit: Visit, offer: Offer): RoutedTarget {
  const first = parts.router.first(offer, visit.conversation, performance.now());
  if (first?.movedFrom !== undefined) parts.metrics.upstreams.moved(first.movedFrom.upstream.name);
  if (first !== undefined) return begin(parts, visit, first);
  throw new GatewayError("overloaded", { message: "The upstreams of this model have as many calls open as they may. Please try again." });
}

/** Begins the attempt after one that failed; undefined where no target is left or the retry budget is used up. */
export function nextAttempt(parts: AttemptParts, visit: Visit, offer: Offer): RoutedTarget | undefined {
  const { router, metrics } = parts;
  const next = router.next(offer, visit.conversation, performance.now(), judged(visit));
  if (next === undefined) return undefined;
  metrics.upstreams.retried(next.target.upstream.name);
  return begin(parts, visit, next);
}

/**
 * Begins the attempt that replaces one whose worker was lost. `Router.mayRepeat` has taken it from the retry budget.
 * @throws GatewayError `worker_lost` where no target is left
 */
export function repeatedAttempt(parts: AttemptParts, visit: Visit, offer: Offer): RoutedTarget {
  const { router, metrics } = parts;
  const again = router.again(offer, visit.conversation, performance.now(), judged(visit));
  if (again === undefined) throw new GatewayError("worker_lost", { message: "The worker that held this call was lost. Please try again." });
  metrics.upstreams.retried(again.target.upstream.name);
  return begin(parts, visit, again);
}

/** Whether the present attempt is the last possible one. */
export function isLastAttempt(visit: Visit, { targets }: Offer): boolean {
  return judged(visit).length >= targets.length;
}

/** Ends the present attempt. Where it has ended already, it does nothing. */
export function endAttempt(
  { router, metrics }: AttemptParts,
  { lastAttempt: attempt, offer, caller }: Visit,
  outcome: Outcome["outcome"],
  detail: FailureDetail | undefined,
  ended: Ended | undefined,
): void {
  if (attempt === undefined || attempt.outcome !== undefined) return;
  router.ended(attempt, outcome, detail, performance.now());
  metrics.upstreams.attemptEnded(attempt.target.upstream.name, offer?.model ?? "other", outcome, ended?.attempts ?? 1, ended);
  if (caller.span !== undefined) endAttemptSpan(caller.span, outcome, ended);
}

/** Takes back the present attempt, which was chosen but is not made. */
export function withdrawAttempt({ router }: AttemptParts, visit: Visit): void {
  const attempt = visit.lastAttempt;
  if (attempt === undefined || attempt.outcome !== undefined) return;
  router.ended(attempt, "cancelled", undefined, performance.now());
  visit.caller.span?.attemptWithdrawn();
  visit.withdrawn();
}

function begin({ admission }: AttemptParts, visit: Visit, attempt: Attempt<RoutedTarget>): RoutedTarget {
  const { target } = attempt;
  // What is learned from the call belongs to the upstream that answers it. So the token history of that upstream is used for its claim.
  const upstream = target.upstream.name;
  if (visit.claim.upstream === upstream) visit.attempted(attempt, visit.claim, visit.factor);
  else {
    const claim = { ...visit.claim, upstream };
    visit.attempted(attempt, claim, admission.factor(claim));
  }
  if (visit.caller.span !== undefined) beginAttemptSpan(visit.caller.span, visit);
  return target;
}

/** The attempts whose end says something about their targets. The loss of a worker says nothing. */
function judged({ attempts }: Visit): Visit["attempts"] {
  return attempts.length > 0 && attempts.some(({ outcome }) => outcome === "worker_lost")
    ? attempts.filter(({ outcome }) => outcome !== "worker_lost")
    : attempts;
}
