/** InvokeModel and InvokeModelWithResponseStream. Source: `wire.md` §1.2. */
import { bedrockBody } from "./body.ts";
import { guardOf } from "./controls.ts";
import type { BedrockOperation } from "./operation.ts";
import { BedrockStream, bedrockAnswer } from "./reader.ts";

const JSON_TYPE = "application/json";
const HEADERS = { "content-type": JSON_TYPE, accept: JSON_TYPE };
const STREAM_HEADERS = { "content-type": JSON_TYPE, "x-amzn-bedrock-accept": JSON_TYPE };

export const bedrockInvoke: BedrockOperation = {
  model: (job) => job.upstreamModel,
  action: (job) => (job.stream ? "invoke-with-response-stream" : "invoke"),
  headers: (job, controls) => controls.of(job, job.stream ? STREAM_HEADERS : HEADERS),
  body: bedrockBody,
  reader: (job, place) => {
    const guard = guardOf(job);
    return job.stream ? new BedrockStream(place, job.model, guard) : bedrockAnswer(place, job.model, guard);
  },
};
