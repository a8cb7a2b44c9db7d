import type { Decision } from "../limiter/limiter.ts";
import { showWindows } from "../limiter/refusal.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Visit } from "./visit.ts";

/** Counts what the limiter has decided of a call, and shows its client what its windows hold. */
export function noteDecision({ claim, dialect, headers }: Visit, decision: Decision, metrics: Metrics): void {
  const { outcome } = decision;
  if (outcome === "unavailable" || outcome === "weigh") return;
  if (claim.window === "calls") metrics.limiterDecided(claim.workspace, claim.model, outcome);
  else if (outcome !== "admitted") metrics.limiterDecided(claim.workspace, claim.model, "counts");
  if (decision.windows !== undefined) showWindows(headers, dialect.rateLimitPrefix, decision.windows);
}
