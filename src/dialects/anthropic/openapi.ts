import { Type } from "@sinclair/typebox";
import { LARGEST_PAGE } from "../../contract/paging.ts";
import type { DialectDescription, Parameter } from "../description.ts";
import { count, nullable, openUnion, text, typed } from "../schema.ts";
import { messagesSchema } from "./schema.ts";
import { anthropicSnippets } from "./snippets.ts";

export const VERSION_HEADERS: readonly Parameter[] = [
  {
    name: "anthropic-version",
    in: "header",
    description: "Version of the protocol. Left out: `2023-06-01`. Under `2026-10-21` there are no sampling parameters.",
    schema: Type.Union([Type.Literal("2023-06-01"), Type.Literal("2026-10-21")]),
  },
  { name: "anthropic-beta", in: "header", description: "Betas that the request uses, separated by commas.", schema: text },
];

/** Messages with the roles of the newer version; in the older one `system` is only a member of the top level. */
export const messagesRequest = messagesSchema("required");

const usage = Type.Object({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: Type.Optional(count),
  cache_read_input_tokens: Type.Optional(count),
});

const message = Type.Object({
  id: text,
  type: Type.Literal("message"),
  role: Type.Literal("assistant"),
  model: text,
  content: Type.Array(
    openUnion([
      typed("text", { text }),
      typed("thinking", { thinking: text, signature: text }),
      typed("tool_use", { id: text, name: text, input: Type.Object({}) }),
    ]),
  ),
  stop_reason: nullable(text),
  stop_sequence: nullable(text),
  usage,
});

const model = Type.Object({ type: Type.Literal("model"), id: text, display_name: text, created_at: text });

const EXAMPLE_MODEL = { type: "model", id: "claude-sonnet-5", display_name: "claude-sonnet-5", created_at: "2026-06-30T00:00:00Z" };

export const messagesExample = {
  model: "claude-sonnet-5",
  max_tokens: 1024,
  messages: [{ role: "user", content: "Write a haiku about cats." }],
};

export const anthropicDescription: DialectDescription = {
  title: "Anthropic",
  description: "The Messages protocol, as Anthropic's own clients speak it, answered by Claude on AWS Bedrock.",
  model: messagesExample.model,
  snippets: anthropicSnippets,
  error: {
    name: "AnthropicError",
    schema: Type.Object({ type: Type.Literal("error"), error: Type.Object({ type: text, message: text }), request_id: text }),
  },
  operations: {
    generate: {
      summary: "Create a message",
      description: "One answer to a conversation, whole or as a stream of events. Fields that are not listed are passed on as they are.",
      parameters: VERSION_HEADERS,
      request: { name: "AnthropicMessagesRequest", schema: messagesRequest, example: messagesExample },
      answer: {
        name: "AnthropicMessage",
        schema: message,
        example: {
          id: "msg_bdrk_01",
          type: "message",
          role: "assistant",
          model: "claude-sonnet-5",
          content: [{ type: "text", text: "Soft paws at midnight" }],
          stop_reason: "end_turn",
          stop_sequence: null,
          usage: { input_tokens: 14, output_tokens: 8 },
        },
      },
      stream:
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Soft paws"}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n',
    },
    count_tokens: {
      summary: "Count tokens",
      description:
        "The number of input tokens of a request: the cloud's count where the cloud counts for the model, else an estimate. It uses no tokens of the limit, and has its own limit of requests.",
      parameters: VERSION_HEADERS,
      request: {
        name: "AnthropicCountRequest",
        schema: messagesSchema("optional"),
        example: { model: messagesExample.model, messages: messagesExample.messages },
      },
      answer: { name: "AnthropicTokenCount", schema: Type.Object({ input_tokens: count }), example: { input_tokens: 14 } },
    },
    models: {
      summary: "List models",
      description: "What the key's workspace may use in the region, in pages.",
      parameters: [
        {
          name: "limit",
          in: "query",
          description: "Models on a page; 20 where it is left out.",
          schema: Type.Integer({ minimum: 1, maximum: LARGEST_PAGE }),
        },
        { name: "after_id", in: "query", description: "The page that follows this model.", schema: text },
        { name: "before_id", in: "query", description: "The page before this model.", schema: text },
      ],
      answer: {
        name: "AnthropicModels",
        schema: Type.Object({
          data: Type.Array(model),
          has_more: Type.Boolean(),
          first_id: nullable(text),
          last_id: nullable(text),
        }),
        example: { data: [EXAMPLE_MODEL], has_more: false, first_id: EXAMPLE_MODEL.id, last_id: EXAMPLE_MODEL.id },
      },
    },
    model: {
      summary: "Get a model",
      description: "One of the models of the list.",
      answer: { name: "AnthropicModel", schema: model, example: EXAMPLE_MODEL },
    },
  },
};
