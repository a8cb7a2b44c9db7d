import { Type } from "@sinclair/typebox";
import { chatSchema } from "../openai-schema.ts";
import { nullable } from "../schema.ts";
import { count, type DialectDescription, text } from "./description.ts";

export const openaiUsage = Type.Object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: Type.Optional(Type.Object({ cached_tokens: Type.Optional(count) })),
});

export const toolCalls = Type.Array(
  Type.Object({ id: text, type: Type.Literal("function"), function: Type.Object({ name: text, arguments: text }) }),
);

const completion = Type.Object({
  id: text,
  object: Type.Literal("chat.completion"),
  created: count,
  model: text,
  choices: Type.Array(
    Type.Object({
      index: count,
      message: Type.Object({ role: Type.Literal("assistant"), content: nullable(text), tool_calls: Type.Optional(toolCalls) }),
      finish_reason: nullable(text),
    }),
  ),
  usage: openaiUsage,
});

const model = Type.Object({ id: text, object: Type.Literal("model"), created: count, owned_by: text });

const EXAMPLE_MODEL = { id: "gpt-4o", object: "model", created: 1715367049, owned_by: "weir" };

export const openaiDescription: DialectDescription = {
  title: "OpenAI",
  description: "The protocols of OpenAI's own clients, answered by Azure OpenAI.",
  error: {
    name: "OpenAIError",
    schema: Type.Object({ error: Type.Object({ message: text, type: text, param: nullable(text), code: nullable(text) }) }),
  },
  operations: {
    generate: {
      summary: "Create a chat completion",
      description:
        "One answer to a conversation, whole or as a stream of chunks. Fields that are not listed are passed on as they are. Of `n`, `service_tier`, `parallel_tool_calls` and `stream_options` only what asks for nothing special is taken, and under `strict_parameters` none of the four.",
      request: {
        name: "OpenAIChatRequest",
        schema: chatSchema,
        example: { model: "gpt-4o", messages: [{ role: "user", content: "Write a short poem about cats." }] },
      },
      answer: {
        name: "OpenAIChatCompletion",
        schema: completion,
        example: {
          id: "chatcmpl-01",
          object: "chat.completion",
          created: 1760000000,
          model: "gpt-4o-2024-08-06",
          choices: [{ index: 0, message: { role: "assistant", content: "Soft paws at midnight" }, finish_reason: "stop" }],
          usage: { prompt_tokens: 14, completion_tokens: 8, total_tokens: 22 },
        },
      },
      stream:
        'data: {"id":"chatcmpl-01","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Soft paws"},"finish_reason":null}]}\n\ndata: [DONE]\n\n',
    },
    models: {
      summary: "List models",
      description: "What the key's workspace may use in the region.",
      answer: {
        name: "OpenAIModels",
        schema: Type.Object({ object: Type.Literal("list"), data: Type.Array(model) }),
        example: { object: "list", data: [EXAMPLE_MODEL] },
      },
    },
    model: {
      summary: "Get a model",
      description: "One of the models of the list.",
      answer: { name: "OpenAIModel", schema: model, example: EXAMPLE_MODEL },
    },
  },
};
