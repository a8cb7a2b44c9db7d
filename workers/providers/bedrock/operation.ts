import type { Job, Reader } from "../provider.ts";
import type { Prepared } from "./body.ts";
import type { ControlHeaders, ControlledJob } from "./controls.ts";
import type { Place } from "./errors.ts";
import type { Takes } from "./takes.ts";

/** One kind of request to Bedrock's runtime. */
export interface BedrockOperation {
  /** The model that is named in the path. */
  model(job: Job): string;
  /** What stands after it. */
  action(job: Job): string;
  /** One object for all calls that say the same: how they are signed is kept by it. */
  headers(job: ControlledJob, controls: ControlHeaders): Readonly<Record<string, string>>;
  /** @throws GatewayError `invalid_request` for what Bedrock cannot do. */
  body(job: Job, takes: Takes): Prepared;
  reader(job: ControlledJob, place: Place): Reader;
}
