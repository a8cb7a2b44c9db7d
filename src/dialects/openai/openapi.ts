import { type TSchema, Type } from "@sinclair/typebox";
import type { DialectDescription } from "../description.ts";
import { count, nullable, text } from "../schema.ts";
import { embeddingsSchema } from "./embeddings.ts";
import { responsesSchema } from "./responses.ts";
import { chatSchema } from "./schema.ts";
import { openaiSnippets } from "./snippets.ts";

export const openaiUsage = Type.Object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: Type.Optional(Type.Object({ cached_tokens: Type.Optional(count) })),
  completion_tokens_details: Type.Optional(Type.Object({ reasoning_tokens: Type.Optional(count) })),
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

const response = Type.Object({
  id: text,
  object: Type.Literal("response"),
  created_at: count,
  status: text,
  model: text,
  output: Type.Array(Type.Object({ type: text })),
  usage: Type.Object({ input_tokens: count, output_tokens: count, total_tokens: count }),
});

const embeddings = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(
    Type.Object({ object: Type.Literal("embedding"), index: count, embedding: Type.Union([Type.Array(Type.Number()), text]) }),
  ),
  model: text,
  usage: Type.Object({ prompt_tokens: count, total_tokens: count }),
});

const model = Type.Object({ id: text, object: Type.Literal("model"), created: count, owned_by: text });

const EXAMPLE_RESPONSE = {
  id: "resp_01",
  object: "response",
  created_at: 1760000000,
  status: "completed",
  model: "gpt-5.5-2026-04-23",
  output: [
    {
      type: "message",
      id: "msg_01",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Soft paws at midnight", annotations: [] }],
    },
  ],
  usage: { input_tokens: 14, output_tokens: 8, total_tokens: 22 },
};

const EXAMPLE_MODEL = { id: "gpt-5.5", object: "model", created: 1776902400, owned_by: "weir" };

/** Descriptions of the routes about answers that an upstream keeps. */
const KEPT =
  "Only where the operator allows kept answers, and only for the workspace that made this one; any other id is a 404. It counts as one request in the limit of token counts, and uses no tokens.";
const kept = { name: "OpenAIResponse", schema: response, example: EXAMPLE_RESPONSE };
const query = (name: string, description: string, schema: TSchema) => ({ name, in: "query" as const, description, schema });

const keptDescriptions: DialectDescription["operations"] = {
  kept_answer: {
    summary: "Get a response",
    description: `A response that was made earlier, in its present state: one that is made in the background may not be complete yet. ${KEPT}`,
    parameters: [
      query("stream", "The events of a response that was made as a stream.", Type.Boolean()),
      query("starting_after", "Only the events after this number.", count),
    ],
    answer: kept,
    stream:
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_01","output_index":0,"content_index":0,"delta":"Soft paws"}\n\n',
  },
  kept_delete: {
    summary: "Delete a response",
    description: KEPT,
    answer: {
      name: "OpenAIDeletedResponse",
      schema: Type.Object({ id: text, object: text, deleted: Type.Boolean() }),
      example: { id: "resp_01", object: "response", deleted: true },
    },
  },
  kept_cancel: {
    summary: "Cancel a response",
    description: `Stops a response that is being made in the background. ${KEPT}`,
    answer: kept,
  },
  kept_input: {
    summary: "List a response's input",
    description: `The items from which a response was made. ${KEPT}`,
    parameters: [
      query("limit", "Items on a page.", Type.Integer({ minimum: 1, maximum: 100 })),
      query("after", "The id of the item before the page.", text),
      query("order", "Oldest first (`asc`) or newest first (`desc`).", Type.Union([Type.Literal("asc"), Type.Literal("desc")])),
    ],
    answer: {
      name: "OpenAIInputItems",
      schema: Type.Object({ object: Type.Literal("list"), data: Type.Array(Type.Object({ type: text })), has_more: Type.Boolean() }),
      example: {
        object: "list",
        data: [{ type: "message", id: "msg_00", role: "user", content: [{ type: "input_text", text: "Write a short poem about cats." }] }],
        first_id: "msg_00",
        last_id: "msg_00",
        has_more: false,
      },
    },
  },
};

export const openaiDescription: DialectDescription = {
  title: "OpenAI",
  description: "The protocols of OpenAI's own clients, answered by Azure OpenAI.",
  model: EXAMPLE_MODEL.id,
  snippets: openaiSnippets,
  error: {
    name: "OpenAIError",
    schema: Type.Object({ error: Type.Object({ message: text, type: text, param: nullable(text), code: nullable(text) }) }),
  },
  operations: {
    generate: {
      summary: "Create a chat completion",
      description:
        "One answer to a conversation, whole or as a stream of chunks. Fields that are not listed are passed on as they are. `n`, `service_tier`, `parallel_tool_calls` and `stream_options` are taken only with values that ask for nothing special, and under `strict_parameters` not at all.",
      request: {
        name: "OpenAIChatRequest",
        schema: chatSchema,
        example: { model: "gpt-5.5", messages: [{ role: "user", content: "Write a short poem about cats." }] },
      },
      answer: {
        name: "OpenAIChatCompletion",
        schema: completion,
        example: {
          id: "chatcmpl-01",
          object: "chat.completion",
          created: 1760000000,
          model: "gpt-5.5-2026-04-23",
          choices: [{ index: 0, message: { role: "assistant", content: "Soft paws at midnight" }, finish_reason: "stop" }],
          usage: { prompt_tokens: 14, completion_tokens: 8, total_tokens: 22 },
        },
      },
      stream:
        'data: {"id":"chatcmpl-01","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Soft paws"},"finish_reason":null}]}\n\ndata: [DONE]\n\n',
    },
    responses: {
      summary: "Create a response",
      description:
        "One answer by the Responses API, whole or as a stream of its events. Unless the operator allows it, nothing is kept: `store` is false, and a request that needs a stored answer is refused.",
      request: {
        name: "OpenAIResponsesRequest",
        schema: responsesSchema,
        example: { model: "gpt-5.5", input: "Write a short poem about cats." },
      },
      answer: {
        name: "OpenAIResponse",
        schema: response,
        example: EXAMPLE_RESPONSE,
      },
      stream:
        'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_01","output_index":0,"content_index":0,"delta":"Soft paws"}\n\n',
    },
    compact: {
      summary: "Compact a conversation",
      description: "A shorter form of a long conversation, from which the conversation can go on. It counts as a call, with its tokens.",
      request: {
        name: "OpenAICompactRequest",
        schema: responsesSchema,
        example: { model: "gpt-5.5", input: [{ role: "user", content: "Write a short poem about cats." }] },
      },
      answer: {
        name: "OpenAICompaction",
        schema: Type.Object({ id: text, object: text, output: Type.Array(Type.Object({ type: text })) }),
        example: {
          id: "resp_02",
          object: "response.compaction",
          created_at: 1760000000,
          output: [{ type: "compaction", id: "cmp_01", encrypted_content: "gAAA" }],
          usage: { input_tokens: 14, output_tokens: 8, total_tokens: 22 },
        },
      },
    },
    count_tokens: {
      summary: "Count the tokens of a response's input",
      description:
        "The number of input tokens of a request, as Weir estimates it. It uses no tokens of the limit, and has its own limit of requests.",
      request: {
        name: "OpenAIInputTokensRequest",
        schema: responsesSchema,
        example: { model: "gpt-5.5", input: "Write a short poem about cats." },
      },
      answer: {
        name: "OpenAIInputTokens",
        schema: Type.Object({ object: text, input_tokens: count }),
        example: { object: "response.input_tokens", input_tokens: 14 },
      },
    },
    ...keptDescriptions,
    embeddings: {
      summary: "Create embeddings",
      description: "A vector for each text, as numbers or, with `encoding_format: base64`, as the bytes of 32-bit floats.",
      request: {
        name: "OpenAIEmbeddingsRequest",
        schema: embeddingsSchema,
        example: { model: "text-embedding-3-small", input: ["Cats sleep.", "Dogs run."] },
      },
      answer: {
        name: "OpenAIEmbeddings",
        schema: embeddings,
        example: {
          object: "list",
          data: [{ object: "embedding", index: 0, embedding: [0.25, -0.5] }],
          model: "text-embedding-3-small",
          usage: { prompt_tokens: 6, total_tokens: 6 },
        },
      },
    },
    models: {
      summary: "List models",
      description: "What the key's workspace may use in the region.",
      answer: {
        name: "OpenAIModels",
        schema: Type.Object({ object: Type.Literal("list"), data: Type.Array(model), models: Type.Array(Type.Unknown()) }),
        example: { object: "list", data: [EXAMPLE_MODEL], models: [] },
      },
    },
    model: {
      summary: "Get a model",
      description: "One of the models of the list.",
      answer: { name: "OpenAIModel", schema: model, example: EXAMPLE_MODEL },
    },
  },
};
