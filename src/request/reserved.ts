import { GatewayError } from "../contract/errors.ts";

/**
 * Refuses headers that are not a client's to set. To ignore them would be worse: a client that asks for a guardrail must not be answered without one.
 * @throws GatewayError `invalid_request` that names the header.
 */
export function refuseReserved(headers: Headers, reserved: readonly string[]): void {
  for (const name of reserved) {
    if (!headers.has(name)) continue;
    throw new GatewayError("invalid_request", {
      message: `${name}: this header is not a client's to set here, and the request is refused rather than answered without what it asks for; leave it out, or ask the gateway's operator`,
      param: name,
    });
  }
}
