import { GatewayError } from "../contract/errors.ts";
import type { HeaderWriter } from "../contract/http.ts";
import type { Claim } from "./admission.ts";
import { refusalText, setPrefixedRateLimits, setRateLimits } from "./headers.ts";
import type { Decision, Windows } from "./limiter.ts";

/** The error that ends a call which was not admitted. */
export function refusal(decision: Exclude<Decision, { outcome: "admitted" | "weigh" }>, claim: Claim): GatewayError {
  switch (decision.outcome) {
    case "unavailable":
      return new GatewayError("limiter_unavailable", { message: "Rate limits cannot be checked at this moment. Please try again." });
    case "too_large":
      return new GatewayError("too_many_tokens", { message: refusalText(decision, claim) });
    default:
      return new GatewayError(decision.outcome === "requests" ? "rate_limited_requests" : "rate_limited_tokens", {
        message: refusalText(decision, claim),
        retryAfterMs: decision.retryAfterMs,
      });
  }
}

/** Puts both windows into an answer's headers; `prefix` is that of the dialect's own names, where it has some. */
export function showWindows(headers: HeaderWriter, prefix: string | undefined, windows: Windows): void {
  setRateLimits(headers, windows);
  if (prefix !== undefined) setPrefixedRateLimits(headers, prefix, windows, Date.now());
}
