/** The members of the body of `POST /v1/messages` that Weir checks. Source: the types of @anthropic-ai/sdk 1.12 and the vendor's reference. */
import { type TSchema, Type } from "@sinclair/typebox";
import { EXPECTED, modelName, openUnion, optional, range, text, typed, unset, words } from "../schema.ts";

const optionalText = optional(text);
const blocks = (kinds: TSchema) => Type.Array(kinds, { [EXPECTED]: "an array of content blocks" });
const textOrBlocks = (kinds: TSchema) => Type.Union([text, blocks(kinds)]);

const cacheControl = optional(Type.Object({ type: text, ttl: optionalText }));

const textBlock = typed("text", { text, cache_control: cacheControl, citations: optional(Type.Array(Type.Unknown())) });

const imageBlock = typed("image", {
  source: openUnion([
    typed("base64", { media_type: words("image/jpeg", "image/png", "image/gif", "image/webp"), data: text }),
    typed("url", { url: text }),
    typed("file", { file_id: text }),
  ]),
  cache_control: cacheControl,
});

const documentBlock = typed("document", {
  source: openUnion([
    typed("base64", { media_type: words("application/pdf"), data: text }),
    typed("text", { media_type: words("text/plain"), data: text }),
    typed("content", { content: textOrBlocks(openUnion([textBlock, imageBlock])) }),
    typed("url", { url: text }),
    typed("file", { file_id: text }),
  ]),
  title: optionalText,
  context: optionalText,
  cache_control: cacheControl,
});

const searchResultBlock = typed("search_result", {
  source: text,
  title: text,
  content: Type.Array(openUnion([textBlock])),
  cache_control: cacheControl,
});

const contentBlock = openUnion([
  textBlock,
  imageBlock,
  documentBlock,
  searchResultBlock,
  typed("thinking", { thinking: text, signature: text }),
  typed("redacted_thinking", { data: text }),
  typed("tool_use", { id: text, name: text, input: Type.Unknown({ [EXPECTED]: "an object" }), cache_control: cacheControl }),
  typed("tool_result", {
    tool_use_id: text,
    content: Type.Optional(textOrBlocks(openUnion([textBlock, imageBlock, documentBlock, searchResultBlock]))),
    is_error: optional(Type.Boolean()),
    cache_control: cacheControl,
  }),
]);

const toolName = Type.String({ pattern: "^[a-zA-Z0-9_-]{1,128}$", [EXPECTED]: "1 to 128 letters, digits, _ or -" });

/** A tool of the client. A tool of any other type is one of the vendor's: only its `type` is checked. */
const customTool = Type.Object({
  type: Type.Optional(Type.Union([Type.Literal("custom"), Type.Null()])),
  name: toolName,
  description: optionalText,
  input_schema: Type.Object({}),
  cache_control: cacheControl,
});
const vendorTool = Type.Object({ type: Type.String({ pattern: "^(?!custom$)", [EXPECTED]: "a string" }) });

const parallel = { disable_parallel_tool_use: optional(Type.Boolean()) };

/**
 * The role `system` is allowed in the middle of a conversation, in both versions of the protocol and without a flag, as Claude Code sends it. Which models know
 * the role is in the provider's table. Source: platform.claude.com, "Mid-conversation system messages".
 */
const ROLES = ["user", "assistant", "system"];

/** @param maxTokens whether `max_tokens` is required: a body for counting has no answer to limit */
export function messagesSchema(maxTokens: "required" | "optional"): TSchema {
  const bound = Type.Integer({ minimum: 0 });
  return Type.Object({
    model: modelName,
    messages: Type.Array(Type.Object({ role: words(...ROLES), content: textOrBlocks(contentBlock) }), {
      minItems: 1,
      maxItems: 100_000,
      [EXPECTED]: "an array of 1 to 100000 messages",
    }),
    max_tokens: maxTokens === "required" ? bound : optional(bound),
    stream: Type.Optional(Type.Boolean()),
    system: Type.Optional(textOrBlocks(openUnion([textBlock]))),
    temperature: Type.Optional(range(0, 1)),
    top_p: Type.Optional(Type.Union([range(0, 1), unset])),
    top_k: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), unset])),
    stop_sequences: Type.Optional(Type.Array(text, { [EXPECTED]: "an array of strings" })),
    tools: Type.Optional(Type.Array(Type.Union([customTool, vendorTool]), { [EXPECTED]: "an array of tools" })),
    tool_choice: Type.Optional(
      Type.Union([typed("auto", parallel), typed("any", parallel), typed("tool", { name: text, ...parallel }), typed("none", {})]),
    ),
    thinking: Type.Optional(openUnion([typed("enabled", { budget_tokens: Type.Integer({ minimum: 1024 }) })])),
    metadata: Type.Optional(Type.Object({ user_id: optionalText })),
    cache_control: cacheControl,
    anthropic_version: Type.Optional(text),
    anthropic_beta: Type.Optional(Type.Array(text, { [EXPECTED]: "an array of strings" })),
  });
}
