import { describe, expect, test } from "bun:test";
import { encodeUtf8 } from "../../../src/contract/bytes.ts";
import { checkOpenai } from "../../../src/dialects/openai/check.ts";
import { openai } from "../../../src/dialects/openai/openai.ts";
import { refusalOf, refusesByName } from "./refused.ts";

const hints = openai.hints(new Headers(), false);
const base = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Write a short poem about cats." }] };
const says = (...content: unknown[]) => ({ ...base, messages: [{ role: "user", content }] });
const check = (body: unknown) => checkOpenai(encodeUtf8(JSON.stringify(body)), hints, "generate");

const PROMPT = "a secret prompt that must never come back in an error message";
const ROLES = '"system", "developer", "user", "assistant", "tool" or "function"';

const mistakes: [object, string][] = [
  [{ ...base, model: undefined }, "model: is required and must be a string of 1 to 256 characters"],
  [{ ...base, messages: undefined }, "messages: is required and must be a non-empty array of messages"],
  [{ ...base, messages: [] }, "messages: must be a non-empty array of messages, not an empty one"],
  [{ ...base, messages: PROMPT }, "messages: must be a non-empty array of messages, not a string"],
  [{ ...base, messages: [PROMPT] }, "messages[0]: must be an object, not a string"],
  [{ ...base, messages: [{ content: PROMPT }] }, `messages[0].role: is required and must be ${ROLES}`],
  [{ ...base, messages: [{ role: "bot", content: "x" }] }, `messages[0].role: must be ${ROLES}, not "bot"`],
  [{ ...base, messages: [{ role: "user" }] }, "messages[0].content: is required and must be a string or an array of content parts"],
  [
    { ...base, messages: [{ role: "user", content: null }] },
    "messages[0].content: must be a string or an array of content parts, not null",
  ],
  [{ ...base, messages: [{ role: "tool", content: "x" }] }, "messages[0].tool_call_id: is required and must be a string"],
  [{ ...base, messages: [{ role: "function", content: "x" }] }, "messages[0].name: is required and must be a string"],
  [
    { ...base, messages: [{ role: "assistant", tool_calls: [{ type: "function", id: "c" }] }] },
    "messages[0].tool_calls[0].function: is required and must be an object",
  ],
  [
    { ...base, messages: [{ role: "assistant", tool_calls: [{ type: "function", id: "c", function: { name: "f", arguments: {} } }] }] },
    "messages[0].tool_calls[0].function.arguments: must be a string, not an object",
  ],
  [says({ text: PROMPT }), "messages[0].content[0].type: is required and must be a string"],
  [says({ type: "text", text: "x" }, { type: "text" }), "messages[0].content[1].text: is required and must be a string"],
  [says({ type: "image_url", image_url: PROMPT }), "messages[0].content[0].image_url: must be an object, not a string"],
  [says({ type: "image_url", image_url: {} }), "messages[0].content[0].image_url.url: is required and must be a string"],
  [
    says({ type: "input_audio", input_audio: { data: "x" } }),
    "messages[0].content[0].input_audio.format: is required and must be a string",
  ],
  [{ ...base, max_tokens: 0 }, "max_tokens: must be an integer, at least 1, not 0"],
  [{ ...base, max_completion_tokens: 1.5 }, "max_completion_tokens: must be an integer, at least 1, not 1.5"],
  [{ ...base, temperature: 2.1 }, "temperature: must be a number from 0 to 2, not 2.1"],
  [{ ...base, top_p: 1.1 }, "top_p: must be a number from 0 to 1, not 1.1"],
  [{ ...base, frequency_penalty: -2.5 }, "frequency_penalty: must be a number from -2 to 2, not -2.5"],
  [{ ...base, presence_penalty: 3 }, "presence_penalty: must be a number from -2 to 2, not 3"],
  [{ ...base, top_logprobs: 21 }, "top_logprobs: must be an integer from 0 to 20, not 21"],
  [{ ...base, logprobs: "yes" }, "logprobs: must be true or false, not a string"],
  [{ ...base, logit_bias: [1] }, "logit_bias: must be an object, not an array"],
  [{ ...base, logit_bias: { "50256": -101 } }, "logit_bias[50256]: must be a number from -100 to 100, not -101"],
  [{ ...base, seed: 1.5 }, "seed: must be an integer, not 1.5"],
  [{ ...base, stop: 5 }, "stop: must be a string or an array of at most 4 items, not 5"],
  [{ ...base, stop: ["a", "b", "c", "d", "e"] }, "stop: must be an array of at most 4 items, not 5"],
  [{ ...base, stop: ["a", 1] }, "stop[1]: must be a string, not 1"],
  [{ ...base, stream: 1 }, "stream: must be true or false, not 1"],
  [{ ...base, tools: [{}] }, "tools[0].type: is required and must be a string"],
  [{ ...base, tools: [{ type: "function" }] }, "tools[0].function: is required and must be an object"],
  [
    { ...base, tools: [{ type: "function", function: { name: "get weather" } }] },
    'tools[0].function.name: must be 1 to 64 letters, digits, _ or -, not "get weather"',
  ],
  [{ ...base, tool_choice: "any" }, 'tool_choice: must be "none", "auto", "required" or an object, not "any"'],
  [{ ...base, tool_choice: { type: "function" } }, "tool_choice.function: is required and must be an object"],
  [{ ...base, functions: [{}] }, "functions[0].name: is required and must be 1 to 64 letters, digits, _ or -"],
  [{ ...base, function_call: {} }, "function_call.name: is required and must be a string"],
  [{ ...base, response_format: "json" }, "response_format: must be an object, not a string"],
  [{ ...base, response_format: {} }, 'response_format.type: is required and must be "text", "json_object" or "json_schema"'],
  [{ ...base, response_format: { type: "xml" } }, 'response_format.type: must be "text", "json_object" or "json_schema", not "xml"'],
  [{ ...base, response_format: { type: "json_schema" } }, "response_format.json_schema: is required and must be an object"],
];

refusesByName(mistakes, check);

describe("the four parameters that are documented as unsupported", () => {
  test.each([
    { n: 1 },
    { n: null },
    { service_tier: "auto" },
    { service_tier: "default" },
    { service_tier: null },
    { parallel_tool_calls: true },
    { parallel_tool_calls: false },
    { parallel_tool_calls: null },
    { stream_options: null },
    { stream_options: {} },
    { stream_options: { include_usage: true } },
    { stream_options: { include_usage: false }, stream: true },
  ])("%j asks for nothing that Weir does not do, and passes", (fields) => {
    expect(check({ ...base, ...fields }).model).toBe(base.model);
  });

  test.each([
    [{ n: 2 }, "n"],
    [{ n: 0 }, "n"],
    [{ n: "1" }, "n"],
    [{ service_tier: "flex" }, "service_tier"],
    [{ service_tier: 1 }, "service_tier"],
    [{ parallel_tool_calls: "no" }, "parallel_tool_calls"],
    [{ stream_options: true }, "stream_options"],
    [{ stream_options: [] }, "stream_options"],
    [{ stream_options: { include_usage: "yes" } }, "stream_options.include_usage"],
    [{ stream_options: { include_obfuscation: false } }, "stream_options.include_obfuscation"],
  ] as [object, string][])("%j is an unsupported parameter: %s", (fields, param) => {
    const error = refusalOf(() => check({ ...base, ...fields }));
    expect(error.kind).toBe("unsupported_parameter");
    expect(error.detail.param).toBe(param);
    expect(error.detail.message).toStartWith(`${param}: `);
  });
});

const weather = { name: "get_weather", description: "d", parameters: { type: "object", properties: {} }, strict: true };
const accepted: [string, object][] = [
  [
    "the example of the documentation",
    {
      model: "gpt-4o-mini",
      messages: [
        { role: "system", content: "You are helpful." },
        { role: "user", content: "Hi" },
      ],
    },
  ],
  [
    "LangChain's defaults",
    {
      ...base,
      n: 1,
      temperature: 1,
      top_p: 1,
      frequency_penalty: 0,
      presence_penalty: 0,
      stream: true,
      stream_options: { include_usage: true },
    },
  ],
  ["LangChain's -1", { ...base, top_p: -1 }],
  [
    "the AI SDK's streaming call",
    {
      ...base,
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      stream: true,
      stream_options: { include_usage: true },
    },
  ],
  [
    "nulls where the specification has them",
    {
      ...base,
      temperature: null,
      top_p: null,
      max_tokens: null,
      stop: null,
      stream: null,
      logit_bias: null,
      seed: null,
      metadata: null,
      response_format: null,
    },
  ],
  [
    "tools, images, sound, files, a developer role and a schema for the answer",
    {
      model: "o3-mini",
      max_completion_tokens: 500,
      reasoning_effort: "low",
      messages: [
        { role: "developer", content: [{ type: "text", text: "Be brief." }] },
        {
          role: "user",
          name: "ann",
          content: [
            { type: "text", text: "what is this" },
            { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=", detail: "low" } },
            { type: "input_audio", input_audio: { data: "UklG", format: "wav" } },
            { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,JVBE" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "get_weather", arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: "call_1", content: [{ type: "text", text: "sunny" }] },
        { role: "assistant", content: [{ type: "refusal", refusal: "no" }], refusal: null },
        { role: "assistant", function_call: { name: "f", arguments: "{}" }, content: "" },
        { role: "function", name: "f", content: null },
        { role: "user", content: "" },
      ],
      tools: [
        { type: "function", function: weather },
        { type: "custom", custom: { name: "free" } },
      ],
      tool_choice: { type: "function", function: { name: "get_weather" } },
      parallel_tool_calls: false,
      response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: { type: "object" } } },
      stop: ["\n", "END"],
      logit_bias: { "50256": -100 },
      logprobs: true,
      top_logprobs: 5,
      user: "u",
      metadata: { a: "b" },
    },
  ],
  [
    "kinds of part, tool and tool choice that Weir does not know",
    {
      ...says({ type: "smell", smell: 1 }),
      tools: [{ type: "teleport" }],
      tool_choice: { type: "allowed_tools", allowed_tools: {} },
      some_new_field: 1,
    },
  ],
  ["the old functions", { ...base, functions: [{ name: "f", parameters: {} }], function_call: "auto" }],
];

describe("requests of real clients pass", () => {
  test.each(accepted)("%s", (_, body) => {
    const { model, stream } = body as { model: string; stream?: boolean | null };
    expect(check(body)).toMatchObject({ model, stream: stream === true });
  });

  test("the bound of the answer is max_completion_tokens, else max_tokens, else none", () => {
    expect(check(base).maxTokens).toBe(0);
    expect(check({ ...base, max_tokens: 7 }).maxTokens).toBe(7);
    expect(check({ ...base, max_tokens: null, max_completion_tokens: 9 }).maxTokens).toBe(9);
  });
});
