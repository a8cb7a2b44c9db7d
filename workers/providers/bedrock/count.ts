/** CountTokens: the body of an InvokeModel in base64; Bedrock counts its tokens. Source: `wire.md` §1.10. */
import { Buffer } from "node:buffer";
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, memberValue } from "../../../src/contract/json.ts";
import { asCount, asObject } from "../failure.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import { bedrockBody } from "./body.ts";
import type { BedrockOperation } from "./operation.ts";

/** InvokeModel needs `max_tokens`, larger than the budget of thinking, so a request without it gets this more than its budget. A count has no answer, so the value does not matter. */
const ROOM = 1024;

/** Most bytes of the answer, which is one number. */
const MOST_BYTES = 64 * 1024;

const HEADERS = { "content-type": "application/json", accept: "application/json" };

export const bedrockCount: BedrockOperation = {
  model: ({ countModel, upstreamModel }) => countModel ?? withoutProfile(upstreamModel),
  action: () => "count-tokens",
  headers: () => HEADERS,

  body(job, takes) {
    const prepared = bedrockBody(job, takes);
    const invoke = prepared.body;
    const text = isSet(memberValue(invoke, "max_tokens"))
      ? invoke
      : editMembers(invoke, { set: { max_tokens: String(ROOM + budget(invoke)) } });
    return { ...prepared, body: `{"input":{"invokeModel":{"body":"${Buffer.from(text, "latin1").toString("base64")}"}}}` };
  },

  reader: (_job, { upstream }) =>
    new WholeAnswer(
      upstream,
      (answer) => {
        const tokens = asCount(answer.inputTokens);
        return tokens === undefined ? malformed(upstream, "the answer is no count") : `{"input_tokens":${tokens}}`;
      },
      { mostBytes: MOST_BYTES },
    ),
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
