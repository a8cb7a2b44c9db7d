import { GatewayError, INTERNAL_MESSAGE } from "../src/contract/errors.ts";
import type { HttpFailure } from "./wire/http.ts";

/** The error that a failed connection means for the client; its details are for the log. */
export function connectionFailure(failure: HttpFailure, afterFirstByte: boolean): GatewayError {
  const log = failure.text;
  switch (failure.reason) {
    case "timeout":
      return new GatewayError("upstream_timeout", {
        message: afterFirstByte ? "The model stopped answering." : "The model did not answer in time.",
        log,
      });
    case "unreachable":
      return new GatewayError("upstream_unreachable", { message: "The model's service cannot be reached at this moment.", log });
    case "broken":
      return new GatewayError("upstream_malformed", {
        message: "The connection to the model's service broke before the answer was complete.",
        log,
      });
    case "fault":
      return new GatewayError("internal", { message: INTERNAL_MESSAGE, log });
    case "malformed":
      return new GatewayError("upstream_malformed", { message: "The model's service sent an answer that cannot be read.", log });
  }
}
