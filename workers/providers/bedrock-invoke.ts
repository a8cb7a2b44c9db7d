/** InvokeModel and InvokeModelWithResponseStream. Source: `wire.md` §1.2. */
import { bedrockBody } from "./bedrock-body.ts";
import type { BedrockOperation } from "./bedrock-operation.ts";
import { BedrockStream, bedrockAnswer } from "./bedrock-reader.ts";

export const bedrockInvoke: BedrockOperation = {
  model: (job) => job.upstreamModel,
  action: (job) => (job.stream ? "invoke-with-response-stream" : "invoke"),
  headers: (job) => ({ [job.stream ? "x-amzn-bedrock-accept" : "accept"]: "application/json" }),
  body: bedrockBody,
  reader: (job, place) => (job.stream ? new BedrockStream(place, job.model) : bedrockAnswer(place, job.model)),
};
