import type { Ended } from "../contract/call.ts";
import type { ErrorKind, GatewayError } from "../contract/errors.ts";

/** How a call ended for its client. */
export interface Outcome {
  outcome: "ok" | ErrorKind;
  error: GatewayError | undefined;
  /** Undefined where no worker had it, or the client left first. */
  ended: Ended | undefined;
  /** The status that the client was sent; `NO_STATUS` where it left before there was one. */
  status: number;
  /** `performance.now()` of the first byte for the client; undefined where there was none. */
  firstByteAtMs: number | undefined;
  /** Of a stream: bytes given to the client. */
  passedBytes: number;
}
