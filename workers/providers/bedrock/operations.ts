/**
 * The requests that Weir sends to Bedrock's runtime: InvokeModel, with a stream or without, and CountTokens.
 * Source: AWS, "Amazon Bedrock Runtime" (API reference).
 */
import { Buffer } from "node:buffer";
import type { ByteText } from "../../../src/contract/bytes.ts";
import type { CallOperation } from "../../../src/contract/dialect.ts";
import { editMembers, memberValue } from "../../../src/contract/json.ts";
import { asCount, asObject } from "../failure.ts";
import type { Job, Reader } from "../provider.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import { bedrockBody, type Prepared } from "./body.ts";
import { type ControlHeaders, type ControlledJob, guardOf } from "./controls.ts";
import type { ErrorContext } from "./errors.ts";
import { BedrockStream, bedrockAnswer } from "./reader.ts";
import type { Takes } from "./takes.ts";

/** One kind of request. */
interface BedrockOperation {
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

const JSON_TYPE = "application/json";
const HEADERS = { "content-type": JSON_TYPE, accept: JSON_TYPE };
const STREAM_HEADERS = { "content-type": JSON_TYPE, "x-amzn-bedrock-accept": JSON_TYPE };

/** InvokeModel and InvokeModelWithResponseStream. */
const invoke: BedrockOperation = {
  model: (job) => job.upstreamModel,
  action: (job) => (job.stream ? "invoke-with-response-stream" : "invoke"),
  headers: (job, controls) => controls.of(job, job.stream ? STREAM_HEADERS : HEADERS),
  body: bedrockBody,
  reader: (job, place) => {
    const guard = guardOf(job);
    return job.stream ? new BedrockStream(place, job.model, guard) : bedrockAnswer(place, job.model, guard);
  },
};

/**
 * InvokeModel needs a `max_tokens` that is larger than the budget of thinking. A request without one gets its budget and so many tokens more. A count has
 * no answer, so the value does not matter.
 */
const ROOM = 1024;

/** Most bytes of a count's answer, which is one number. */
const MOST_COUNT_BYTES = 64 * 1024;

/** CountTokens: the body of an InvokeModel in base64; Bedrock counts its tokens. */
export const bedrockCount: BedrockOperation = {
  model: ({ countModel, upstreamModel }) => countModel ?? withoutProfile(upstreamModel),
  action: () => "count-tokens",
  headers: () => HEADERS,

  body(job, takes) {
    const prepared = bedrockBody(job, takes);
    const invoked = prepared.body;
    const text = isSet(memberValue(invoked, "max_tokens"))
      ? invoked
      : editMembers(invoked, { set: { max_tokens: String(ROOM + budget(invoked)) } });
    return { ...prepared, body: `{"input":{"invokeModel":{"body":"${Buffer.from(text, "latin1").toString("base64")}"}}}` };
  },

  reader: (_job, { upstream }) =>
    new WholeAnswer(
      upstream,
      (answer) => {
        const tokens = asCount(answer.inputTokens);
        return tokens === undefined ? malformed(upstream, "the answer is no count") : `{"input_tokens":${tokens}}`;
      },
      { mostBytes: MOST_COUNT_BYTES },
    ),
};

export const bedrockOperations: Partial<Record<CallOperation, BedrockOperation>> = {
  generate: invoke,
  count_tokens: bedrockCount,
};

/** The id without an inference profile's prefix, since CountTokens takes only model ids: `eu.vendor.model` becomes `vendor.model`, in the same AWS region. */
function withoutProfile(id: string): string {
  return id.replace(/^[a-z-]+\.(?=[a-z0-9-]+\.[a-z])/, "");
}

function isSet(value: ByteText | undefined): boolean {
  return value !== undefined && value !== "null" && value !== "0";
}

function budget(body: ByteText): number {
  const thinking = asObject(JSON.parse(memberValue(body, "thinking") ?? "null"));
  return asCount(thinking?.budget_tokens) ?? 0;
}
