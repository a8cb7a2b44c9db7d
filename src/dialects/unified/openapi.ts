import { Type } from "@sinclair/typebox";
import { messagesExample, messagesRequest, VERSION_HEADERS } from "../anthropic/openapi.ts";
import type { DialectDescription } from "../description.ts";
import { openaiUsage, toolCalls } from "../openai/openapi.ts";
import { count, nullable, text } from "../schema.ts";

const envelope = Type.Object({
  success: Type.Literal(true),
  code: Type.Literal("200"),
  message: text,
  data: Type.Object({
    id: text,
    model: text,
    choices: Type.Array(
      Type.Object({
        index: count,
        message: Type.Object({
          role: Type.Literal("assistant"),
          content: nullable(text),
          reasoning_content: Type.Optional(text),
          tool_calls: Type.Optional(toolCalls),
        }),
        finish_reason: nullable(text),
      }),
    ),
    usage: openaiUsage,
  }),
});

export const unifiedDescription: DialectDescription = {
  title: "Unified",
  description:
    "Requests have Anthropic's form, answers are OpenAI-style choices in an envelope, streams are OpenAI-style chunks. The workspace's default region serves them.",
  model: messagesExample.model,
  error: {
    name: "UnifiedError",
    schema: Type.Object({ success: Type.Literal(false), code: text, message: text, data: Type.Null() }),
  },
  operations: {
    generate: {
      summary: "Create a message",
      description: "One answer to a conversation. The HTTP status of an error is also its `code`.",
      parameters: VERSION_HEADERS,
      request: { name: "AnthropicMessagesRequest", schema: messagesRequest, example: messagesExample },
      answer: {
        name: "UnifiedAnswer",
        schema: envelope,
        example: {
          success: true,
          code: "200",
          message: "successful",
          data: {
            id: "msg_bdrk_01",
            model: "claude-sonnet-5",
            choices: [{ index: 0, message: { role: "assistant", content: "Soft paws at midnight" }, finish_reason: "stop" }],
            usage: { prompt_tokens: 14, completion_tokens: 8, total_tokens: 22, prompt_tokens_details: { cached_tokens: 0 } },
          },
        },
      },
      stream:
        'data: {"id":"msg_bdrk_01","model":"claude-sonnet-5","object":"chat.completion.chunk","created":1760000000,"choices":[{"index":0,"delta":{"content":"Soft paws"},"finish_reason":null}]}\n\ndata: [DONE]\n\n',
    },
  },
};
