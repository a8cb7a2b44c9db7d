/** One request of each operation, with everything in it that the APIs know. */
import { png } from "./pictures.ts";

const PNG = png(64, 64, 200);
const PDF = "JVBERi0xLjQK";

export const schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  title: "Query",
  description: "What to look for",
  properties: {
    city: { type: "string", title: "City", description: "Its name", pattern: "^[A-Z]", minLength: 1, examples: ["Oslo"] },
    unit: { type: ["string", "null"], enum: ["celsius", "fahrenheit", null], default: "celsius" },
    days: { type: "array", items: { type: "integer", minimum: 1, maximum: 14 }, maxItems: 3 },
    place: { anyOf: [{ $ref: "#/$defs/place" }, { const: "here" }], not: { type: "number" } },
  },
  required: ["city"],
  additionalProperties: false,
  patternProperties: { "^x-": { type: "string" } },
  if: { properties: { unit: { const: "celsius" } } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ["days"] },
  else: {},
  $defs: { place: { type: "object", properties: { lat: { type: "number" } } } },
};

const cache_control = { type: "ephemeral", ttl: "1h" };

export const messages = {
  model: "claude-sonnet-4-5",
  max_tokens: 100,
  system: [{ type: "text", text: "Be brief.", cache_control }],
  messages: [
    { role: "user", content: "Hello" },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Well.", signature: "c2lnbmF0dXJl" },
        { type: "redacted_thinking", data: "aGlkZGVu" },
        { type: "text", text: "Let me see.", citations: [{ type: "char_location", cited_text: "so", document_index: 0 }] },
        { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Oslo", days: [1, 2] } },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "weather" } },
        {
          type: "web_search_tool_result",
          tool_use_id: "srvtoolu_1",
          content: [{ type: "web_search_result", url: "https://a.example", encrypted_content: "eHl6" }],
        },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "toolu_1",
          is_error: false,
          content: [
            { type: "text", text: "cold" },
            { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
          ],
        },
        {
          type: "document",
          title: "A",
          context: "B",
          citations: { enabled: true },
          source: { type: "text", media_type: "text/plain", data: "C" },
        },
        { type: "document", source: { type: "content", content: [{ type: "text", text: "D" }] } },
        { type: "document", source: { type: "base64", media_type: "application/pdf", data: PDF } },
        { type: "search_result", source: "E", title: "F", content: [{ type: "text", text: "G" }] },
        { type: "image", source: { type: "url", url: "https://a.example/b.png" } },
        { type: "something_new", data: "H", parts: [{ text: "I" }] },
      ],
    },
  ],
  tools: [
    { name: "weather", description: "Looks it up", input_schema: schema, input_examples: [{ city: "Oslo" }], strict: true, cache_control },
    { type: "custom", name: "other", input_schema: { type: "object" } },
    { type: "web_search_20250305", name: "web_search", max_uses: 3, allowed_domains: ["a.example"], user_location: { city: "Oslo" } },
  ],
  tool_choice: { type: "auto", disable_parallel_tool_use: true },
  thinking: { type: "enabled", budget_tokens: 2048 },
  output_config: { effort: "high", format: { type: "json_schema", schema } },
  output_format: { type: "json_schema", schema: { type: "object" } },
  context_management: { edits: [{ type: "clear_tool_uses_20250919" }] },
  metadata: { user_id: "u" },
  unheard_of: { a: ["b"] },
};

export const chat = {
  model: "gpt-4o",
  messages: [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      name: "ada",
      content: [
        { type: "text", text: "Look" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}`, detail: "low" } },
        { type: "image_url", image_url: { url: "https://a.example/b.png" } },
        { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
        { type: "file", file: { file_data: `data:application/pdf;base64,${PDF}`, filename: "a.pdf" } },
        { type: "file", file: { file_id: "file-1" } },
        { type: "something_new", data: "H" },
      ],
    },
    {
      role: "assistant",
      content: [{ type: "refusal", refusal: "No." }],
      refusal: "No.",
      reasoning_content: "Hm.",
      audio: { id: "audio_1" },
      annotations: [],
      tool_calls: [
        { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } },
        { id: "call_2", type: "custom", custom: { name: "sql", input: "select 1" } },
      ],
      function_call: { name: "weather", arguments: "{}" },
    },
    { role: "tool", tool_call_id: "call_1", content: "cold" },
    { role: "function", name: "weather", content: "cold" },
  ],
  tools: [
    { type: "function", function: { name: "weather", description: "Looks it up", parameters: schema, strict: true } },
    {
      type: "custom",
      custom: { name: "sql", description: "Runs it", format: { type: "grammar", grammar: { syntax: "lark", definition: "start: A" } } },
    },
  ],
  functions: [{ name: "old", description: "Older", parameters: { type: "object" } }],
  tool_choice: "auto",
  response_format: { type: "json_schema", json_schema: { name: "answer", description: "So", schema, strict: true } },
  prediction: { type: "content", content: [{ type: "text", text: "Perhaps" }] },
  reasoning_effort: "low",
  modalities: ["text"],
  audio: { voice: "alloy", format: "wav" },
  web_search_options: { user_location: { type: "approximate", approximate: { city: "Oslo" } } },
  metadata: { a: "b" },
  unheard_of: { a: ["b"] },
};

export const responses = {
  model: "gpt-4o",
  instructions: "Be brief.",
  input: [
    { role: "user", content: "Hello" },
    {
      type: "message",
      role: "user",
      content: [
        { type: "input_text", text: "Look" },
        { type: "input_image", image_url: `data:image/png;base64,${PNG}`, detail: "low" },
        { type: "input_image", file_id: "file-1" },
        { type: "input_file", file_data: `data:application/pdf;base64,${PDF}`, filename: "a.pdf" },
      ],
    },
    {
      type: "message",
      role: "assistant",
      id: "msg_1",
      status: "completed",
      content: [{ type: "output_text", text: "Yes", annotations: [], logprobs: [] }],
    },
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm" }], encrypted_content: "Z0FBQUFB" },
    { type: "function_call", id: "fc_1", call_id: "call_1", name: "weather", arguments: "{}", status: "completed" },
    { type: "function_call_output", call_id: "call_1", output: [{ type: "input_text", text: "cold" }] },
    { type: "custom_tool_call", call_id: "call_2", name: "sql", input: "select 1" },
    { type: "custom_tool_call_output", call_id: "call_2", output: "1" },
    { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "weather" } },
    { type: "something_new", data: "H" },
  ],
  tools: [
    { type: "function", name: "weather", description: "Looks it up", parameters: schema, strict: true },
    { type: "custom", name: "sql", description: "Runs it", format: { type: "grammar", syntax: "lark", definition: "start: A" } },
    { type: "mcp", server_label: "a", server_url: "https://a.example", allowed_tools: ["b"] },
  ],
  tool_choice: { type: "function", name: "weather" },
  text: { verbosity: "low", format: { type: "json_schema", name: "answer", description: "So", schema, strict: true } },
  prompt: { id: "pmpt_1", version: "2", variables: { who: "Ada", what: { type: "input_text", text: "this" } } },
  reasoning: { effort: "low", summary: "auto" },
  conversation: { id: "conv_1" },
  metadata: { a: "b" },
  unheard_of: { a: ["b"] },
};

export const embeddings = { model: "text-embedding-3-small", input: ["Hello", [1, 2, 3], 4], unheard_of: { a: ["b"] } };
