import type { Job, Reader } from "../provider.ts";
import type { Prepared } from "./body.ts";
import type { ControlHeaders, ControlledJob } from "./controls.ts";
import type { ErrorContext } from "./errors.ts";
import type { Takes } from "./takes.ts";

/** One kind of request to Bedrock's runtime. */
export interface BedrockOperation {
  /** The model for the path. */
  model(job: Job): string;
  /** The part of the path after the model. */
  action(job: Job): string;
  /** Headers of the request. Equal calls get the same object, because signatures are cached by it. */
  headers(job: ControlledJob, controls: ControlHeaders): Readonly<Record<string, string>>;
  /** @throws GatewayError `invalid_request` for what Bedrock cannot do */
  body(job: Job, takes: Takes): Prepared;
  reader(job: ControlledJob, place: ErrorContext): Reader;
}
