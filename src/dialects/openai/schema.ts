/**
 * The members of the body of `POST /v1/chat/completions` that Weir checks. Source: the types of openai 7.57 and the vendor's specification.
 * `n`, `service_tier`, `parallel_tool_calls` and `stream_options` have their own rules (`check.ts`).
 */
import { type TProperties, type TSchema, Type } from "@sinclair/typebox";
import { EXPECTED, either, modelName, nullable, openUnion, optional, range, text, typed, unset, words } from "../schema.ts";

const optionalText = optional(text);
const name = Type.String({ pattern: "^[a-zA-Z0-9_-]{1,64}$", [EXPECTED]: "1 to 64 letters, digits, _ or -" });

const textPart = typed("text", { text });
const parts = (kinds: readonly ReturnType<typeof typed>[]) => Type.Array(openUnion(kinds), { [EXPECTED]: "an array of content parts" });
const textOrParts = Type.Union([text, parts([textPart])]);

const userParts = parts([
  textPart,
  typed("image_url", { image_url: Type.Object({ url: text, detail: optionalText }) }),
  typed("input_audio", { input_audio: Type.Object({ data: text, format: text }) }),
  typed("file", { file: Type.Object({}) }),
]);

const message = (role: string, properties: TProperties) => Type.Object({ role: Type.Literal(role), ...properties });
const called = Type.Object({ name: text, arguments: text });

const messageOf = Type.Union([
  message("system", { content: textOrParts }),
  message("developer", { content: textOrParts }),
  message("user", { content: Type.Union([text, userParts]) }),
  message("assistant", {
    content: optional(Type.Union([text, parts([textPart, typed("refusal", { refusal: text })])])),
    tool_calls: optional(Type.Array(openUnion([typed("function", { id: text, function: called })]))),
    function_call: optional(called),
    refusal: optionalText,
  }),
  message("tool", { content: textOrParts, tool_call_id: text }),
  message("function", { name: text, content: nullable(text) }),
]);

const definition = Type.Object({ name, parameters: optional(Type.Object({})), strict: optional(Type.Boolean()) });

export const chatSchema: TSchema = Type.Object({
  model: modelName,
  messages: Type.Array(messageOf, { minItems: 1, [EXPECTED]: "a non-empty array of messages" }),
  stream: optional(Type.Boolean()),
  max_tokens: optional(Type.Integer({ minimum: 1 })),
  max_completion_tokens: optional(Type.Integer({ minimum: 1 })),
  temperature: optional(range(0, 2)),
  top_p: optional(either(range(0, 1), unset)),
  frequency_penalty: optional(range(-2, 2)),
  presence_penalty: optional(range(-2, 2)),
  logprobs: optional(Type.Boolean()),
  top_logprobs: optional(Type.Integer({ minimum: 0, maximum: 20 })),
  logit_bias: optional(Type.Record(text, range(-100, 100))),
  seed: optional(Type.Integer()),
  stop: optional(either(text, Type.Array(text, { maxItems: 4 }))),
  tools: Type.Optional(Type.Array(openUnion([typed("function", { function: definition })]), { [EXPECTED]: "an array of tools" })),
  tool_choice: optional(
    either(words("none", "auto", "required"), openUnion([typed("function", { function: Type.Object({ name: text }) })])),
  ),
  functions: Type.Optional(Type.Array(definition)),
  function_call: optional(either(words("none", "auto"), Type.Object({ name: text }))),
  response_format: optional(
    Type.Union([
      typed("text", {}),
      typed("json_object", {}),
      typed("json_schema", { json_schema: Type.Object({ name, schema: optional(Type.Object({})), strict: optional(Type.Boolean()) }) }),
    ]),
  ),
  metadata: optional(Type.Object({})),
  store: optional(Type.Boolean()),
  user: optionalText,
  reasoning_effort: optionalText,
  verbosity: optionalText,
  modalities: optional(Type.Array(text)),
  prediction: optional(Type.Object({})),
  audio: optional(Type.Object({})),
});
