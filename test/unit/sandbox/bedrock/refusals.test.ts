/** What InvokeModel refuses for Anthropic's models. Sources: see `src/sandbox/bedrock/check.ts`. Every row is a good call with one mistake. */
import { afterAll, describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../../src/sandbox/json.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { exchange } from "../../../support/exchange.ts";
import { MODEL } from "../stand-ins.ts";
import { bedrockClient, invoke, invokeStream, refusal } from "./client.ts";

const sandbox = await startSandbox();
const client = bedrockClient(sandbox);
afterAll(async () => {
  client.destroy();
  await sandbox.close();
});

const SONNET_4_5 = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS_4_7 = "eu.anthropic.claude-opus-4-7";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6B";

const user = (...content: JsonObject[]) => ({ messages: [{ role: "user", content }] });
const image = (source: JsonObject) => user({ type: "image", source }, { type: "text", text: "What is it?" });
const tool = (fields: JsonObject = {}) => ({ name: "look", input_schema: { type: "object" }, ...fields });
const called = { role: "assistant", content: [{ type: "tool_use", id: "call_1", name: "look", input: {} }] };

const TEXT = { type: "text", text: "x" };
const MARK = { cache_control: { type: "ephemeral" } };
const OPUS_4_8 = "eu.anthropic.claude-opus-4-8";
const HAIKU_4_5 = "eu.anthropic.claude-haiku-4-5-20251001-v1:0";
const thought = (signature: string) => ({
  messages: [
    { role: "user", content: "Hi" },
    { role: "assistant", content: [{ type: "thinking", thinking: "Hm.", signature }, TEXT] },
    { role: "user", content: "Go on" },
  ],
});

type Row = [what: string, fields: JsonObject, message: RegExp, model?: string];
const ROWS: Row[] = [
  ["stream left in, an older model", { stream: true }, /extraneous key \[stream\] is not permitted/],
  ["model left in, an older model", { model: "claude-3-haiku" }, /extraneous key \[model\] is not permitted/],
  ["stream left in, a newer model", { stream: false }, /^stream: Extra inputs are not permitted/, SONNET_4_5],
  ["no anthropic_version", { anthropic_version: undefined }, /^anthropic_version: Field required/],
  ["the direct API's anthropic_version", { anthropic_version: "2023-06-01" }, /^anthropic_version: Input should be 'bedrock-2023-05-31'/],
  ["an unknown field", { colour: "blue" }, /^colour: Extra inputs are not permitted/],
  ["service_tier, which only the direct API has", { service_tier: "auto" }, /^service_tier: Extra inputs/],
  ["an unknown beta", { anthropic_beta: ["files-api-2025-04-14"] }, /invalid beta flag/],
  ["one unknown beta among known ones", { anthropic_beta: ["context-1m-2025-08-07", "fast-mode-2026-02-01"] }, /invalid beta flag/],
  ["context_management without its beta", { context_management: { edits: [] } }, /^context_management: Extra inputs/, SONNET_4_5],
  ["no messages", { messages: undefined }, /^messages: Field required/],
  ["an empty list of messages", { messages: [] }, /at least one message/],
  ["a first message of the assistant", { messages: [{ role: "assistant", content: "Hi" }] }, /first message must use the "user" role/],
  ["a role that does not exist", { messages: [{ role: "tool", content: "Hi" }] }, /^messages\.0\.role/],
  [
    "a system message in an older model",
    {
      messages: [
        { role: "user", content: "Hi" },
        { role: "system", content: "x" },
      ],
    },
    /^messages\.1\.role/,
    SONNET_4_5,
  ],
  ["a field beside content", { messages: [{ role: "user", content: "Hi", name: "me" }] }, /^messages\.0\.name: Extra inputs/],
  ["an empty text", user({ type: "text", text: "" }), /must be non-empty/],
  ["a block that does not exist", user({ type: "video" }), /Input tag 'video'/],
  ["no max_tokens", { max_tokens: undefined }, /^max_tokens: Field required/],
  ["max_tokens below 0", { max_tokens: -1 }, /^max_tokens: .* greater than or equal to 0/],
  ["half a token", { max_tokens: 1.5 }, /^max_tokens: Input should be a valid integer/],
  ["top_k −1, as LangChain sends it", { top_k: -1 }, /^top_k: .* greater than or equal to 0/],
  ["top_p −1, as LangChain sends it", { top_p: -1 }, /^top_p: /],
  ["temperature above 1", { temperature: 1.1 }, /^temperature: range: 0\.\.1/],
  ["temperature and top_p from Sonnet 4.5 on", { temperature: 1, top_p: 1 }, /cannot both be specified/, SONNET_4_5],
  ["a blank stop sequence", { stop_sequences: [" "] }, /non-whitespace/],
  ["a system block that is no text", { system: [{ type: "image" }] }, /^system\.0\.type/],
  ["an image by URL", image({ type: "url", url: "https://example.com/a.png" }), /Input tag 'url'.*'base64'/],
  ["an image by file", image({ type: "file", file_id: "file_1" }), /Input tag 'file'/],
  ["an image with a wrong media type", image({ type: "base64", media_type: "image/jpeg", data: PNG }), /appears to be a image\/png/],
  ["an image with an unknown media type", image({ type: "base64", media_type: "image/tiff", data: PNG }), /media_type/],
  ["data that is no image", image({ type: "base64", media_type: "image/png", data: "AAAA" }), /Could not process image/],
  ["an image that is not base64", image({ type: "base64", media_type: "image/png", data: "%%%" }), /Invalid base64/],
  ["a document by URL", user({ type: "document", source: { type: "url", url: "https://example.com/a.pdf" } }), /Input tag 'url'/],
  ["a tool without a schema", { tools: [{ name: "look" }] }, /input_schema: Field required/],
  ["a tool with a blank in its name", { tools: [tool({ name: "look up" })] }, /String should match pattern/],
  ["tool_choice without tools", { tool_choice: { type: "any" } }, /only be specified while providing tools/],
  ["a forced tool that was not offered", { tools: [tool()], tool_choice: { type: "tool", name: "listen" } }, /'listen' not found/],
  [
    "a tool call without its result",
    { tools: [tool()], messages: [{ role: "user", content: "Hi" }, called] },
    /without `tool_result` blocks/,
  ],
  ["a result without its call", user({ type: "tool_result", tool_use_id: "call_9", content: "x" }), /unexpected `tool_use_id`/],
  [
    "a prefill that ends in white space",
    {
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Well, " },
      ],
    },
    /trailing whitespace/,
  ],
  [
    "a prefill from 4.6 on",
    {
      messages: [
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Well" },
      ],
    },
    /does not support assistant message prefill/,
    OPUS_4_7,
  ],
  ["thinking for a model without it", { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 2_000 }, /^thinking: Extra inputs/],
  [
    "a thought larger than the answer",
    { thinking: { type: "enabled", budget_tokens: 1024 }, max_tokens: 1_024 },
    /must be greater than `thinking.budget_tokens`/,
    SONNET_4_5,
  ],
  [
    "a thought of less than 1024 tokens",
    { thinking: { type: "enabled", budget_tokens: 1_000 } },
    /greater than or equal to 1024/,
    SONNET_4_5,
  ],
  ["a budget from 4.7 on", { thinking: { type: "enabled", budget_tokens: 1024 } }, /thinking.type.adaptive/, OPUS_4_7],
  ["adaptive thinking before 4.6", { thinking: { type: "adaptive" } }, /adaptive thinking is not supported/, SONNET_4_5],
  [
    "five cache marks",
    user(...Array.from({ length: 5 }, () => ({ type: "text", text: "x", cache_control: { type: "ephemeral" } }))),
    /Found 5/,
    SONNET_4_5,
  ],
  // Sources for each model: see the head of `src/sandbox/bedrock/rules.ts`.
  ["a cache mark on a model without a cache", user({ ...TEXT, ...MARK }), /^messages\.0\.content\.0\.text\.cache_control: Extra inputs/],
  [
    "a scope in a cache mark",
    { system: [{ ...TEXT, cache_control: { type: "ephemeral", scope: "global" } }] },
    /^system\.0\.cache_control\.ephemeral\.scope: Extra inputs/,
    SONNET_4_5,
  ],
  [
    "a lifetime in a cache mark, a model before 4.5",
    user({ ...TEXT, cache_control: { type: "ephemeral", ttl: "1h" } }),
    /cache_control\.ephemeral\.ttl: Extra inputs/,
    "eu.anthropic.claude-sonnet-4-20250514-v1:0",
  ],
  ["a cache mark at the top level", MARK, /^cache_control: Extra inputs/, OPUS_4_8],
  [
    "defer_loading without its flag",
    { tools: [tool({ defer_loading: true })] },
    /^tools\.0\.custom\.defer_loading: Extra inputs/,
    OPUS_4_8,
  ],
  [
    "strict tools of Sonnet 5",
    { tools: [tool({ strict: false })] },
    /^tools\.0\.custom\.strict: Extra inputs/,
    "eu.anthropic.claude-sonnet-5",
  ],
  ["tool search of Haiku 4.5", { anthropic_beta: ["tool-search-tool-2025-10-19"] }, /invalid beta flag/, HAIKU_4_5],
  ["interleaved thinking's flag from 4.7 on", { anthropic_beta: ["interleaved-thinking-2025-05-14"] }, /invalid beta flag/, OPUS_4_7],
  ["an effort of Haiku 4.5", { output_config: { effort: "high" } }, /does not support the effort parameter/, HAIKU_4_5],
  [
    "an effort that Opus 4.6 has not",
    { output_config: { effort: "xhigh" } },
    /^output_config\.effort: Input should be/,
    "eu.anthropic.claude-opus-4-6-v1",
  ],
  [
    "a schema of Claude 5",
    { output_config: { format: { type: "json_schema", schema: {} } } },
    /^output_config\.format: Extra inputs/,
    "eu.anthropic.claude-opus-5",
  ],
  [
    "a system message of Sonnet 5",
    {
      messages: [
        { role: "user", content: "Hi" },
        { role: "system", content: "x" },
      ],
    },
    /^messages\.1\.role/,
    "eu.anthropic.claude-sonnet-5",
  ],
  ["a temperature from 4.7 on", { temperature: 0 }, /`temperature` is deprecated for this model/, OPUS_4_8],
  ["an empty signature", thought(""), /Invalid `signature` in `thinking` block/, SONNET_4_5],
  ["a foreign signature", thought("c29tZWJvZHkgZWxzZSdz"), /Invalid `signature` in `thinking` block/, SONNET_4_5],
  ["an unknown member of a block", user({ ...TEXT, colour: "blue" }), /^messages\.0\.content\.0\.text\.colour: Extra inputs/],
  [
    "a conversation beyond the window",
    { messages: [{ role: "user", content: "long ".repeat(200_000) }] },
    /^Input is too long for requested model/,
  ],
  [
    "a conversation beyond the window, a newer model",
    { messages: [{ role: "user", content: "long ".repeat(1_000_000) }] },
    /^prompt is too long: \d+ tokens > 1000000 maximum/,
    OPUS_4_8,
  ],
  ["a directive that does not exist", { messages: [{ role: "user", content: "[sandbox: dance]" }] }, /does not know "dance"/],
];

describe("ValidationException", () => {
  for (const [what, fields, message, model = MODEL] of ROWS) {
    test(what, async () => {
      const refused = await refusal(invoke(client, "Hello!", fields, model));
      expect([refused.name, refused.status]).toEqual(["ValidationException", 400]);
      expect(refused.message).toMatch(message);
    });
  }

  const MODELS: [what: string, model: string, message: RegExp][] = [
    ["an unknown model", "anthropic.claude-17-v1:0", /^The provided model identifier is invalid\.$/],
    ["the name of the direct API", "claude-3-haiku-20240307", /identifier is invalid/],
    ["a model that needs a profile", "anthropic.claude-sonnet-4-5-20250929-v1:0", /on-demand throughput isn’t supported/],
    ["a profile of another part of the world", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", /identifier is invalid/],
    ["an ARN of another region", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", /identifier is invalid/],
  ];
  for (const [what, model, message] of MODELS) {
    test(what, async () => {
      const refused = await refusal(invoke(client, "Hello!", {}, model));
      expect([refused.name, refused.status]).toEqual(["ValidationException", 400]);
      expect(refused.message).toMatch(message);
    });
  }

  test("a stream is refused before it begins", async () => {
    const refused = await refusal(invokeStream(client, "Hello!", { top_k: -1 }).next());
    expect([refused.name, refused.status]).toEqual(["ValidationException", 400]);
  });
});

describe("accepted", () => {
  const TAKEN: [what: string, fields: JsonObject, model?: string][] = [
    [
      "known betas and the field that one opens",
      { anthropic_beta: ["context-management-2025-06-27"], context_management: { edits: [] } },
      SONNET_4_5,
    ],
    ["max_tokens 0, which warms a cache", { max_tokens: 0 }],
    ["top_k 0", { top_k: 0 }],
    [
      "four cache marks",
      user(...Array.from({ length: 4 }, () => ({ type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } }))),
      SONNET_4_5,
    ],
    [
      "a system message from 4.8 on",
      {
        messages: [
          { role: "user", content: "Hi" },
          { role: "system", content: "x" },
        ],
      },
      "eu.anthropic.claude-opus-4-8",
    ],
    ["adaptive thinking", { thinking: { type: "adaptive" } }, OPUS_4_7],
    ["a global profile", {}, "global.anthropic.claude-opus-5-5"],
  ];
  for (const [what, fields, model = MODEL] of TAKEN) {
    test(what, async () => {
      expect((await invoke(client, "Hello!", fields, model)).type).toBe("message");
    });
  }
});

describe("requests that are no calls", () => {
  const headers = { authorization: `Bearer ${sandbox.credentials.bearerTokens[0]}` };
  const path = `/model/${MODEL}/invoke`;
  const ROUGH: [what: string, outgoing: { method?: string; path: string; body: string | Buffer }, status: number, type: string][] = [
    ["half a JSON", { path, body: '{"messages":' }, 400, "ValidationException"],
    ["a body that is no object", { path, body: "[]" }, 400, "ValidationException"],
    ["a path that cannot be decoded", { path: "/model/%E0%A4%A/invoke", body: "{}" }, 400, "ValidationException"],
    ["an operation that does not exist", { path: `/model/${MODEL}/dance`, body: "{}" }, 404, "UnknownOperationException"],
    ["another method", { path, method: "PUT", body: "{}" }, 404, "UnknownOperationException"],
    ["more than 25 million bytes", { path, body: Buffer.alloc(25_000_001, 32) }, 400, "ValidationException"],
  ];
  for (const [what, outgoing, status, type] of ROUGH) {
    test(what, async () => {
      const sent = exchange({ url: sandbox.bedrock.url, headers, ...outgoing });
      await sent.over;
      expect(sent.received().status).toBe(status);
      expect(sent.received().headers["x-amzn-errortype"]).toStartWith(type);
    });
  }
});
