import { describe, expect, test } from "bun:test";
import { encodeUtf8 } from "../../../src/contract/bytes.ts";
import { anthropic, readHints } from "../../../src/dialects/anthropic/anthropic.ts";
import { checkMessages } from "../../../src/dialects/anthropic/check.ts";
import { refusalOf, refusesByName } from "./refused.ts";

const classic = anthropic.hints(new Headers(), false);
const current = anthropic.hints(new Headers({ "anthropic-version": "2026-10-21" }), false);

const base = { model: "claude-3-haiku-20240307", max_tokens: 1024, messages: [{ role: "user", content: "Write a haiku about cats." }] };
const says = (...content: unknown[]) => ({ ...base, messages: [{ role: "user", content }] });

const check = (body: unknown, hints = classic) =>
  checkMessages(typeof body === "string" ? body : encodeUtf8(JSON.stringify(body)), hints, "generate");

const PROMPT = "a secret prompt that must never come back in an error message";

const mistakes: [unknown, string][] = [
  [{ ...base, model: undefined }, "model: is required and must be a string of 1 to 256 characters"],
  [{ ...base, model: "" }, 'model: must be a string of 1 to 256 characters, not ""'],
  [{ ...base, model: 5 }, "model: must be a string of 1 to 256 characters, not 5"],
  [{ ...base, model: "m".repeat(257) }, "model: must be a string of 1 to 256 characters"],
  [{ ...base, max_tokens: undefined }, "max_tokens: is required and must be an integer, 0 or more"],
  [{ ...base, max_tokens: -1 }, "max_tokens: must be an integer, 0 or more, not -1"],
  [{ ...base, max_tokens: 1.5 }, "max_tokens: must be an integer, 0 or more, not 1.5"],
  [{ ...base, max_tokens: "1024" }, "max_tokens: must be an integer, 0 or more, not a string"],
  [
    '{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1e999}',
    "max_tokens: must be an integer, 0 or more, not Infinity",
  ],
  [{ ...base, temperature: 1.1 }, "temperature: must be a number from 0 to 1, not 1.1"],
  [{ ...base, temperature: -0.1 }, "temperature: must be a number from 0 to 1, not -0.1"],
  [{ ...base, temperature: true }, "temperature: must be a number from 0 to 1, not true"],
  [{ ...base, top_p: 2 }, "top_p: must be a number from 0 to 1, not 2"],
  [{ ...base, top_p: -2 }, "top_p: must be a number from 0 to 1, not -2"],
  [{ ...base, top_k: -2 }, "top_k: must be an integer, 0 or more, not -2"],
  [{ ...base, top_k: 0.5 }, "top_k: must be an integer, 0 or more, not 0.5"],
  [{ ...base, stream: "true" }, "stream: must be true or false, not a string"],
  [{ ...base, stop_sequences: PROMPT }, "stop_sequences: must be an array of strings, not a string"],
  [{ ...base, stop_sequences: ["a", 5] }, "stop_sequences.1: must be a string, not 5"],
  [{ ...base, metadata: "u" }, "metadata: must be an object, not a string"],
  [{ ...base, metadata: { user_id: 5 } }, "metadata.user_id: must be a string, not 5"],
  [{ ...base, system: 5 }, "system: must be a string or an array of content blocks, not 5"],
  [{ ...base, system: [{ type: "text" }] }, "system.0.text: is required and must be a string"],
  [{ ...base, messages: undefined }, "messages: is required and must be an array of 1 to 100000 messages"],
  [{ ...base, messages: [] }, "messages: must be an array of 1 to 100000 messages, not an empty one"],
  [{ ...base, messages: PROMPT }, "messages: must be an array of 1 to 100000 messages, not a string"],
  [{ ...base, messages: [PROMPT] }, "messages.0: must be an object, not a string"],
  [{ ...base, messages: [{ content: "x" }] }, 'messages.0.role: is required and must be "user", "assistant" or "system"'],
  [{ ...base, messages: [{ role: "bot", content: "x" }] }, 'messages.0.role: must be "user", "assistant" or "system", not "bot"'],
  [
    { ...base, messages: [{ role: "ö".repeat(100), content: "x" }] },
    `messages.0.role: must be "user", "assistant" or "system", not "${"ö".repeat(40)}…"`,
  ],
  [
    { ...base, messages: [{ role: "system", content: "x" }, ...base.messages] },
    'messages.0.role: the first message must have the role "user"; a system prompt goes into the top-level field "system"',
  ],
  [{ ...base, messages: [{ role: "assistant", content: "x" }] }, 'messages.0.role: the first message must have the role "user"'],
  [{ ...base, messages: [{ role: "user" }] }, "messages.0.content: is required and must be a string or an array of content blocks"],
  [
    { ...base, messages: [{ role: "user", content: null }] },
    "messages.0.content: must be a string or an array of content blocks, not null",
  ],
  [{ ...base, messages: [{ role: "user", content: "" }] }, "messages.0.content: must not be empty, except in a final assistant message"],
  [says(), "messages.0.content: must not be empty, except in a final assistant message"],
  [says(PROMPT), "messages.0.content.0: must be an object, not a string"],
  [says({ text: PROMPT }), "messages.0.content.0.type: is required and must be a string"],
  [says({ type: "text", text: "x" }, { type: "text", text: 5 }), "messages.0.content.1.text: must be a string, not 5"],
  [says({ type: "image" }), "messages.0.content.0.source: is required and must be an object"],
  [says({ type: "image", source: { data: PROMPT } }), "messages.0.content.0.source.type: is required and must be a string"],
  [
    says({ type: "image", source: { type: "base64", media_type: "image/tiff", data: PROMPT } }),
    'messages.0.content.0.source.media_type: must be "image/jpeg", "image/png", "image/gif" or "image/webp", not "image/tiff"',
  ],
  [
    says({ type: "image", source: { type: "base64", media_type: "image/png", data: [1] } }),
    "messages.0.content.0.source.data: must be a string, not an array",
  ],
  [
    says({ type: "document", source: { type: "base64", media_type: "image/png", data: "x" } }),
    'messages.0.content.0.source.media_type: must be "application/pdf", not "image/png"',
  ],
  [says({ type: "tool_result", content: "x" }), "messages.0.content.0.tool_use_id: is required and must be a string"],
  [
    says({ type: "tool_result", tool_use_id: "t", content: [{ type: "image", source: { type: "base64", media_type: "image/png" } }] }),
    "messages.0.content.0.content.0.source.data: is required and must be a string",
  ],
  [says({ type: "text", text: "x", cache_control: "ephemeral" }), "messages.0.content.0.cache_control: must be an object, not a string"],
  [{ ...base, tools: {} }, "tools: must be an array of tools, not an object"],
  [{ ...base, tools: [{ input_schema: {} }] }, "tools.0.name: is required and must be 1 to 128 letters, digits, _ or -"],
  [
    { ...base, tools: [{ name: "get weather", input_schema: {} }] },
    'tools.0.name: must be 1 to 128 letters, digits, _ or -, not "get weather"',
  ],
  [
    { ...base, tools: [{ name: "n".repeat(129), input_schema: {} }] },
    `tools.0.name: must be 1 to 128 letters, digits, _ or -, not "${"n".repeat(40)}…"`,
  ],
  [{ ...base, tools: [{ name: "a" }] }, "tools.0.input_schema: is required and must be an object"],
  [{ ...base, tools: [{ type: "custom", name: "a", input_schema: [] }] }, "tools.0.input_schema: must be an object, not an array"],
  [{ ...base, tool_choice: "auto" }, "tool_choice: must be an object, not a string"],
  [{ ...base, tool_choice: { type: "some" } }, 'tool_choice.type: must be "auto", "any", "tool" or "none", not "some"'],
  [{ ...base, tool_choice: { type: "tool" } }, "tool_choice.name: is required and must be a string"],
  [{ ...base, thinking: { type: "enabled" } }, "thinking.budget_tokens: is required and must be an integer, at least 1024"],
  [{ ...base, thinking: { type: "enabled", budget_tokens: 1023 } }, "thinking.budget_tokens: must be an integer, at least 1024, not 1023"],
];

refusesByName(mistakes, (body) => check(body));

const cache = { type: "ephemeral", ttl: "1h" };
const accepted: [string, object][] = [
  ["the example of the documentation", base],
  [
    "a coding agent's turn: cached system blocks, tools, tool results, thinking",
    {
      model: "claude-sonnet-4-5-20250929",
      max_tokens: 32000,
      stream: true,
      temperature: 1,
      metadata: { user_id: "user_1_account__session_2" },
      system: [
        { type: "text", text: "You are a coding agent.", cache_control: { type: "ephemeral" } },
        { type: "text", text: "Rules", cache_control: cache },
      ],
      thinking: { type: "enabled", budget_tokens: 31999 },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      output_config: { effort: "medium" },
      tools: [
        {
          name: "Bash",
          description: "Runs",
          input_schema: { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object", properties: {} },
        },
        { name: "mcp__server__tool", input_schema: { type: "object" }, cache_control: cache, eager_input_streaming: true, strict: false },
        { type: "web_search_20250305", name: "web_search", max_uses: 8 },
      ],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "text", text: "there", cache_control: { type: "ephemeral" } },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "", signature: "EqQB" },
            { type: "redacted_thinking", data: "xyz" },
            { type: "text", text: "ok" },
            { type: "tool_use", id: "toolu_1", name: "Bash", input: { command: "ls" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "toolu_1", content: "a.txt", is_error: false },
            {
              type: "tool_result",
              tool_use_id: "toolu_2",
              content: [
                { type: "text", text: "x" },
                { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
                { type: "tool_reference", tool_name: "t" },
              ],
              cache_control: cache,
            },
            { type: "tool_result", tool_use_id: "toolu_3" },
          ],
        },
      ],
    },
  ],
  ["LangChain's defaults", { ...base, temperature: 1, top_k: -1, top_p: -1, stream: false, thinking: { type: "disabled" } }],
  ["the AI SDK's", { ...base, temperature: 0, messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] }],
  [
    "every source of images and documents",
    says(
      { type: "image", source: { type: "base64", media_type: "image/webp", data: "UklG" } },
      { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      { type: "image", source: { type: "file", file_id: "file_1" } },
      {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: "JVBE" },
        title: "t",
        context: null,
        citations: { enabled: true },
      },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "text" } },
      { type: "document", source: { type: "content", content: [{ type: "text", text: "x" }] } },
      { type: "search_result", source: "s", title: "t", content: [{ type: "text", text: "x" }], citations: { enabled: true } },
    ),
  ],
  ["an assistant turn to be continued", { ...base, messages: [...base.messages, { role: "assistant", content: "Whiskers" }] }],
  ["a final assistant message that is empty", { ...base, messages: [...base.messages, { role: "assistant", content: "" }] }],
  ["max_tokens 0, which warms a cache", { ...base, max_tokens: 0, cache_control: { type: "ephemeral" } }],
  [
    "kinds of block, source, tool and thinking that Weir does not know",
    {
      ...says({ type: "hologram", anything: [1] }, { type: "image", source: { type: "satellite" } }),
      tools: [{ type: "teleport_20270101", name: "teleport" }, { type: "toolset" }],
      thinking: { type: "between_tools" },
      some_new_field: { x: 1 },
    },
  ],
  [
    "a tool whose type is null",
    { ...base, tools: [{ type: null, name: "a", input_schema: {} }], tool_choice: { type: "tool", name: "a" } },
  ],
];

describe("requests of real clients pass", () => {
  test.each(accepted)("%s", (_, body) => {
    const { model, max_tokens, stream } = body as { model: string; max_tokens: number; stream?: boolean };
    expect(checkMessages(encodeUtf8(JSON.stringify(body)), classic, "generate")).toEqual({
      model,
      maxTokens: max_tokens,
      stream: stream === true,
      request: JSON.parse(encodeUtf8(JSON.stringify(body))),
    });
  });

  test("a model's name is read as UTF-8, written out or escaped", () => {
    expect(checkMessages(encodeUtf8(JSON.stringify({ ...base, model: "modèle-你" })), classic, "generate").model).toBe("modèle-你");
    expect(checkMessages(JSON.stringify({ ...base, model: "M" }).replace('"M"', '"mod\\u00e8le"'), classic, "generate").model).toBe(
      "modèle",
    );
  });
});

describe("anthropic-version", () => {
  test("absent and 2023-06-01 are the classic version, and betas are gathered", () => {
    expect(readHints(classic)).toEqual({ version: "2023-06-01", betas: [] });
    const headers = new Headers([
      ["anthropic-version", "2023-06-01"],
      ["anthropic-beta", "a-2025-01-01, b-2025-01-01"],
      ["anthropic-beta", ",c-2025-01-01"],
    ]);
    expect(readHints(anthropic.hints(headers, false))).toEqual({
      version: "2023-06-01",
      betas: ["a-2025-01-01", "b-2025-01-01", "c-2025-01-01"],
    });
  });

  test("any other is refused, and the message names the two", () => {
    const error = refusalOf(() => check(base, anthropic.hints(new Headers({ "anthropic-version": "2024-01-01" }), false)));
    expect(error.kind).toBe("invalid_request");
    expect(error.detail.message).toBe('anthropic-version: must be "2023-06-01" or "2026-10-21"');
  });

  test.each([
    ["2026-10-21", current],
    ["2023-06-01", classic],
  ])("%s lets system speak in the middle of a conversation, without a flag", (_, version) => {
    const talk = (...messages: object[]) => ({ ...base, messages });
    const [user, system] = [
      { role: "user", content: "x" },
      { role: "system", content: "be brief" },
    ];
    for (const body of [talk(user, system), talk(user, system, { role: "assistant", content: "x" }, user), talk(user, system, system)])
      expect(checkMessages(JSON.stringify(body), version, "generate").model).toBe(base.model);
    expect(refusalOf(() => check(talk(system, user), version)).detail.param).toBe("messages.0.role");
    // One that only sets an effort may be anywhere, and says nothing.
    const setting = { role: "system", content: [], output_config: { effort: "low" } };
    for (const body of [talk(setting, user), talk(user, { ...setting, content: "" })])
      expect(checkMessages(JSON.stringify(body), version, "generate").model).toBe(base.model);
    expect(refusalOf(() => check(talk(setting), version)).detail.param).toBe("messages.0.role");
    expect(refusalOf(() => check(talk(setting, system, user), version)).detail.param).toBe("messages.1.role");
    expect(refusalOf(() => check(talk(user, { role: "system", content: "" }), version)).detail.param).toBe("messages.1.content");
  });

  test.each([
    ["temperature", { ...base, temperature: 1 }, "temperature"],
    ["top_p", { ...base, top_p: -1 }, "top_p"],
    ["top_k", { ...base, top_k: 0 }, "top_k"],
    [
      "a document in an assistant message",
      {
        ...base,
        messages: [
          ...base.messages,
          { role: "assistant", content: [{ type: "document", source: { type: "text", media_type: "text/plain", data: "x" } }] },
        ],
      },
      "messages.1.content.0.type",
    ],
    ["citations on a user's text", says({ type: "text", text: "x", citations: [{}] }), "messages.0.content.0.citations"],
  ])("2026-10-21 refuses %s, 2023-06-01 does not", (_, body, param) => {
    const error = refusalOf(() => check(body, current));
    expect(error.detail.param).toBe(param);
    expect(error.detail.message).toContain("2026-10-21");
    checkMessages(JSON.stringify(body), classic, "generate");
  });
});

describe("the list of models", () => {
  const entries = Array.from({ length: 45 }, (_, index) => ({ id: `m${index}`, created: 0 }));

  function page(query: string): { ids: string[]; hasMore: boolean } {
    const { data, has_more, first_id, last_id } = JSON.parse(anthropic.models(entries, new URLSearchParams(query)));
    const ids = data.map(({ id }: { id: string }) => id);
    expect([first_id, last_id]).toEqual([ids.at(0) ?? null, ids.at(-1) ?? null]);
    return { ids, hasMore: has_more };
  }

  test.each([
    ["", ["m0", "m19", 20, true]],
    ["limit=1000", ["m0", "m44", 45, false]],
    ["limit=1", ["m0", "m0", 1, true]],
    ["limit=45", ["m0", "m44", 45, false]],
    ["after_id=m19", ["m20", "m39", 20, true]],
    ["after_id=m24", ["m25", "m44", 20, false]],
    ["after_id=m44", [undefined, undefined, 0, false]],
    ["before_id=m25&limit=5", ["m20", "m24", 5, true]],
    ["before_id=m5&limit=5", ["m0", "m4", 5, false]],
    ["before_id=m3&limit=5", ["m0", "m2", 3, false]],
    ["before_id=m0", [undefined, undefined, 0, false]],
  ])("has the page ?%s", (query, expected) => {
    const { ids, hasMore } = page(query);
    expect([ids.at(0), ids.at(-1), ids.length, hasMore]).toEqual(expected);
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=-1", "limit"],
    ["limit=1.5", "limit"],
    ["limit=", "limit"],
    ["limit=99999999999", "limit"],
    ["after_id=unknown", "after_id"],
    ["before_id=", "before_id"],
    ["before_id=m1&after_id=m2", "before_id"],
  ])("refuses ?%s and names the parameter", (query, param) => {
    const { kind, detail } = refusalOf(() => page(query));
    expect([kind, detail.param]).toEqual(["invalid_request", param]);
  });

  test("shows every model once to a client that follows the pages, in either direction", () => {
    for (const limit of [1, 7, 20, 44, 45, 46]) {
      const forward: string[] = [];
      for (let query = `limit=${limit}`; ; query = `limit=${limit}&after_id=${forward.at(-1)}`) {
        const { ids, hasMore } = page(query);
        forward.push(...ids);
        if (!hasMore) break;
      }
      expect(forward).toEqual(entries.map(({ id }) => id));
      const backward: string[] = ["m44"];
      for (;;) {
        const { ids, hasMore } = page(`limit=${limit}&before_id=${backward[0]}`);
        backward.unshift(...ids);
        if (!hasMore) break;
      }
      expect(backward).toEqual(entries.map(({ id }) => id));
    }
  });
});
