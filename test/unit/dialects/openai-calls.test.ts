/** The OpenAI dialect's calls beside chat completions: what they take, what they refuse, and their error event. */
import { describe, expect, test } from "bun:test";
import { encodeUtf8 } from "../../../src/contract/bytes.ts";
import type { CallOperation } from "../../../src/contract/dialect.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { checks } from "../../../src/dialects/checks.ts";
import { dialects } from "../../../src/dialects/index.ts";
import { refusalOf } from "./refused.ts";

const { anthropic, openai } = dialects;
const check = (operation: CallOperation, body: object | string) =>
  checks.openai(typeof body === "string" ? body : encodeUtf8(JSON.stringify(body)), openai.hints(new Headers(), false), operation);

describe("responses", () => {
  const base = { model: "m", input: "hi" };
  const items = (...input: unknown[]) => ({ model: "m", input });

  test.each<object>([
    base,
    { model: "m", previous_response_id: "resp_1" },
    { ...base, stream: null, instructions: null, tools: null, metadata: null, max_output_tokens: null, service_tier: "auto" },
    items(),
    items({ role: "user", content: "hi" }, { type: "message", role: "assistant", content: [{ type: "output_text", text: "ho" }] }),
    items({ role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AA" }, { type: "x_future" }] }),
    items({ type: "function_call", call_id: "c", name: "n", arguments: "{}" }, { type: "function_call_output", call_id: "c", output: "o" }),
    items({ type: "reasoning", id: "rs_1", summary: [] }, { type: "x_future", anything: 1 }),
    {
      ...base,
      tools: [{ type: "web_search" }, { type: "function", name: "n", parameters: null, strict: true }],
      tool_choice: { type: "x" },
    },
    { ...base, text: { format: { type: "json_schema", name: "n", schema: {} }, verbosity: "low" }, x_future: { big: 1 } },
  ])("take %j", (body) => {
    expect(check("responses", body)).toEqual({
      model: "m",
      stream: false,
      maxTokens: 0,
      previous: (body as { previous_response_id?: string }).previous_response_id,
      request: body,
    });
  });

  test("give what Weir has to know", () => {
    expect(check("responses", { ...base, model: "modèle", stream: true, max_output_tokens: 99 })).toMatchObject({
      model: "modèle",
      stream: true,
      maxTokens: 99,
    });
  });

  test.each<[object, string]>([
    [{ input: "hi" }, "model"],
    [{ ...base, input: {} }, "input"],
    [items("hi"), "input[0]"],
    [items({ content: "hi" }), "input[0].type"],
    [items({ type: "message", role: "robot", content: "hi" }), "input[0].role"],
    [items({ role: "user" }), "input[0].content"],
    [items({ role: "user", content: [{ type: "input_text" }] }), "input[0].content[0].text"],
    [{ ...base, top_p: 2 }, "top_p"],
    [{ ...base, max_output_tokens: 1.5 }, "max_output_tokens"],
    [{ ...base, store: "no" }, "store"],
    [{ ...base, background: 1 }, "background"],
    [{ ...base, service_tier: "priority" }, "service_tier"],
  ])("refuse %j, and name %s", (body, param) => {
    expect(refusalOf(() => check("responses", body)).detail.param).toBe(param);
  });

  test("refuse a repeated member that is read or edited", () => {
    const { detail } = refusalOf(() => check("responses", '{"model":"m","input":"hi","store":false,"store":true}'));
    expect(detail.param).toBe("store");
  });

  test("an error event has its fields at the top and under `error`, and always has a code", () => {
    const failed = new GatewayError("upstream_malformed", { message: "The answer ended early." });
    const event = openai.errorEvent(failed, "r", "responses");
    const fields = { code: "upstream_malformed", message: "The answer ended early.", param: null };
    expect(event).toStartWith("event: error\ndata: {");
    expect(JSON.parse(event.slice(event.indexOf("data: ") + 6))).toEqual({
      type: "error",
      sequence_number: 0,
      ...fields,
      error: { ...fields, type: "server_error" },
    });
    const nameless = openai.errorEvent(new GatewayError("upstream_failed", { message: "m" }), "r", "responses");
    expect(nameless).toContain('"code":"server_error"');
    expect(openai.errorEvent(failed, "r", "generate")).toStartWith('data: {"error":');
  });
});

describe("embeddings", () => {
  test.each([{ input: "text" }, { input: ["a", "b"] }, { input: [1, 2] }, { input: [[1], [2, 3]] }])("take %j", ({ input }) => {
    const request = { model: "m", input, encoding_format: null, dimensions: 8, x_future: 1 };
    expect(check("embeddings", request)).toEqual({ model: "m", stream: false, maxTokens: 0, request });
  });

  test.each<[object, string]>([
    [{ input: "" }, "input"],
    [{ input: [""] }, "input[0]"],
    [{ input: [-1] }, "input[0]"],
    [{ input: [[]] }, "input[0]"],
    [{ input: "x", dimensions: "8" }, "dimensions"],
  ])("refuse %j, and name %s", (body, param) => {
    expect(refusalOf(() => check("embeddings", { model: "m", ...body })).detail.param).toBe(param);
  });
});

test("a call that a dialect does not have is a 404", () => {
  const body = '{"model":"m","input":"hi"}';
  expect(refusalOf(() => checks.anthropic(body, anthropic.hints(new Headers(), false), "responses")).kind).toBe("unknown_route");
  expect(refusalOf(() => checks.anthropic(body, anthropic.hints(new Headers(), false), "embeddings")).kind).toBe("unknown_route");
});

test("counting takes a body without max_tokens, and refuses everything else that a call for an answer refuses", () => {
  const hints = anthropic.hints(new Headers(), false);
  const body = { model: "m", messages: [{ role: "user", content: "hi" }] };
  expect(checks.anthropic(JSON.stringify(body), hints, "count_tokens")).toEqual({ model: "m", stream: false, maxTokens: 0, request: body });
  expect(refusalOf(() => checks.anthropic(JSON.stringify(body), hints, "generate")).detail.param).toBe("max_tokens");
  expect(refusalOf(() => checks.anthropic('{"model":"m","messages":[]}', hints, "count_tokens")).detail.param).toBe("messages");
});
