/**
 * The members of the body of `POST /v1/responses` that Weir checks. Source: the types of openai 7.57.
 * What a stateless gateway cannot do is refused by the provider's file, because an operator may allow it there.
 */
import { type TSchema, Type } from "@sinclair/typebox";
import type { ByteText } from "../../contract/bytes.ts";
import { Checker } from "../../contract/checker.ts";
import type { Checked } from "../../contract/dialect.ts";
import { readName, refusal } from "../body.ts";
import { bracketed, readRequest } from "../problem.ts";
import { EXPECTED, either, modelName, openUnion, optional, range, text, typed, words } from "../schema.ts";
import { RESPONSES_SHAPE, refuseOtherShape } from "./shape.ts";

const SINGLE = new Set(
  "model input instructions stream store background previous_response_id conversation max_output_tokens tools service_tier prompt".split(
    " ",
  ),
);

const name = Type.String({ pattern: "^[a-zA-Z0-9_-]{1,128}$", [EXPECTED]: "1 to 128 letters, digits, _ or -" });

const parts = Type.Array(
  openUnion([
    typed("input_text", { text }),
    typed("output_text", { text }),
    typed("input_image", { image_url: optional(text), file_id: optional(text), detail: optional(text) }),
    typed("input_file", {}),
    typed("refusal", { refusal: text }),
  ]),
  { [EXPECTED]: "an array of content parts" },
);
const textOrParts = Type.Union([text, parts]);

const message = Type.Object({
  type: Type.Optional(Type.Literal("message")),
  role: words("user", "assistant", "system", "developer"),
  content: textOrParts,
});
const call = typed("function_call", { call_id: text, name: text, arguments: text });
const callOutput = typed("function_call_output", { call_id: text, output: textOrParts });
/** Reasoning, calls of the vendor's own tools, and future items: passed through for the upstream to check. */
const other = Type.Object({
  type: Type.String({ pattern: "^(?!(?:message|function_call|function_call_output)$)", [EXPECTED]: "the type of an input item" }),
});

export const responsesSchema: TSchema = Type.Object({
  model: modelName,
  input: Type.Optional(
    Type.Union([text, Type.Array(Type.Union([message, call, callOutput, other]), { [EXPECTED]: "an array of input items" })]),
  ),
  instructions: optional(text),
  stream: optional(Type.Boolean()),
  max_output_tokens: optional(Type.Integer({ minimum: 1 })),
  max_tool_calls: optional(Type.Integer({ minimum: 1 })),
  temperature: optional(range(0, 2)),
  top_p: optional(range(0, 1)),
  top_logprobs: optional(Type.Integer({ minimum: 0, maximum: 20 })),
  tools: optional(
    Type.Array(openUnion([typed("function", { name, parameters: optional(Type.Object({})), strict: optional(Type.Boolean()) })]), {
      [EXPECTED]: "an array of tools",
    }),
  ),
  tool_choice: optional(either(words("none", "auto", "required"), openUnion([typed("function", { name: text })]))),
  parallel_tool_calls: optional(Type.Boolean()),
  text: optional(
    Type.Object({
      format: optional(
        openUnion([
          typed("text", {}),
          typed("json_object", {}),
          typed("json_schema", { name, schema: Type.Object({}), strict: optional(Type.Boolean()) }),
        ]),
      ),
    }),
  ),
  reasoning: optional(Type.Object({})),
  include: optional(Type.Array(text, { [EXPECTED]: "an array of strings" })),
  truncation: optional(words("auto", "disabled")),
  metadata: optional(Type.Object({})),
  store: optional(Type.Boolean()),
  background: optional(Type.Boolean()),
  previous_response_id: optional(text),
  conversation: optional(either(text, Type.Object({ id: text }))),
  user: optional(text),
});

const checker = new Checker(responsesSchema);

interface ResponsesRequest {
  model: string;
  stream?: boolean | null;
  max_output_tokens?: number | null;
  service_tier?: unknown;
  previous_response_id?: string | null;
}

export function checkResponses(body: ByteText): Checked {
  refuseOtherShape(body, RESPONSES_SHAPE);
  const request = readRequest<ResponsesRequest>(body, checker, SINGLE, bracketed);
  // As in chat completions: values that ask for nothing special are allowed.
  if (!["auto", "default", null, undefined].includes(request.service_tier as string | null | undefined)) {
    throw refusal("unsupported_parameter", "service_tier", 'only "auto" and "default" are supported');
  }
  return {
    model: readName(body, "model", request.model),
    stream: request.stream === true,
    maxTokens: request.max_output_tokens ?? 0,
    previous: request.previous_response_id ?? undefined,
    request,
  };
}
