/** What Azure OpenAI refuses. Sources: see `src/sandbox/azure/check.ts`. Every row is a good call with one mistake. */
import { afterAll, describe, expect, test } from "bun:test";
import { isObject } from "../../../../src/contract/objects.ts";
import type { JsonObject } from "../../../../src/sandbox/json.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { exchange } from "../../../support/exchange.ts";
import { standInOf } from "../stand-ins.ts";

const sandbox = await startSandbox();
afterAll(() => sandbox.close());

const said = (content: string) => ({ role: "user", content });
const REASONING = "o3-mini";

interface Row {
  what: string;
  fields: JsonObject;
  param: string | null;
  code?: string | null;
  model?: string;
}

const ROWS: Row[] = [
  { what: "an unknown field", fields: { colour: "blue" }, param: null },
  { what: "top_k, which is another vendor's", fields: { top_k: 5 }, param: null },
  { what: "no messages", fields: { messages: undefined }, param: "messages" },
  { what: "an empty list of messages", fields: { messages: [] }, param: "messages" },
  {
    what: "a role that does not exist",
    fields: { messages: [{ role: "robot", content: "x" }] },
    param: "messages[0].role",
    code: "invalid_value",
  },
  {
    what: "a tool's message without its call",
    fields: { messages: [said("x"), { role: "tool", tool_call_id: "c1", content: "x" }] },
    param: "messages[1].role",
  },
  { what: "temperature above 2", fields: { temperature: 2.1 }, param: "temperature" },
  { what: "top_p above 1", fields: { top_p: 1.1 }, param: "top_p" },
  { what: "a penalty below −2", fields: { presence_penalty: -2.1 }, param: "presence_penalty" },
  { what: "max_tokens 0", fields: { max_tokens: 0 }, param: "max_tokens" },
  { what: "stream_options without a stream", fields: { stream_options: { include_usage: true } }, param: "stream_options" },
  {
    what: "both token limits",
    fields: { max_tokens: 5, max_completion_tokens: 5 },
    param: "max_tokens",
    code: "invalid_parameter_combination",
  },
  {
    what: "max_tokens for a reasoning model",
    fields: { max_tokens: 50 },
    param: "max_tokens",
    code: "unsupported_parameter",
    model: REASONING,
  },
  ...["temperature", "top_p", "presence_penalty", "frequency_penalty"].map((param) => ({
    what: `${param} for a reasoning model`,
    fields: { [param]: 0.5 },
    param,
    code: "unsupported_parameter",
    model: "gpt-5-mini",
  })),
  ...[{ logprobs: true }, { top_logprobs: 3 }, { logit_bias: { 50256: -100 } }].map((fields) => ({
    what: `${Object.keys(fields)[0]} for a reasoning model`,
    fields,
    param: Object.keys(fields)[0] ?? "",
    code: "unsupported_parameter",
    model: REASONING,
  })),
  { what: "a directive that does not exist", fields: { messages: [said("[sandbox: dance]")] }, param: null },
];

describe("400", () => {
  for (const { what, fields, param, code = null, model = "gpt-4o" } of ROWS) {
    test(what, async () => {
      const { status, json } = await standInOf(sandbox, "azure", model).ask("Hello!", fields);
      expect(status).toBe(400);
      expect(json.error).toEqual({ message: expect.stringMatching(/\w/), type: "invalid_request_error", param, code });
    });
  }
});

describe("accepted", () => {
  const TAKEN: [what: string, model: string, fields: JsonObject][] = [
    ["max_completion_tokens for a reasoning model", REASONING, { max_completion_tokens: 50 }],
    ["a developer's message", REASONING, { messages: [{ role: "developer", content: "Be brief." }, said("x")] }],
    ["null for fields without a value", "gpt-4o", { temperature: null, max_tokens: null, stop: null, tools: null }],
    ["a temperature of 2", "gpt-4o", { temperature: 2 }],
  ];
  for (const [what, model, fields] of TAKEN) {
    test(what, async () => {
      expect((await standInOf(sandbox, "azure", model).ask("Hello!", fields)).status).toBe(200);
    });
  }
});

describe("addresses", () => {
  const key = { "api-key": sandbox.credentials.apiKeys[0] ?? "" };
  const body = JSON.stringify({ model: "gpt-4o", messages: [said("Hello!")] });
  const dated = "/openai/deployments/gpt-4o/chat/completions";
  const v1 = "/openai/v1/chat/completions";
  interface Address {
    what: string;
    path: string;
    status: number;
    code?: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  }
  const ADDRESSES: Address[] = [
    { what: "a dated version", path: `${dated}?api-version=2024-10-21`, status: 200 },
    { what: "a preview", path: `${dated}?api-version=2025-04-01-preview`, status: 200 },
    { what: "no version", path: dated, status: 404, code: "404" },
    { what: "a version that is no date", path: `${dated}?api-version=latest`, status: 404, code: "404" },
    { what: "v1 without a version", path: v1, status: 200 },
    { what: "another operation", path: "/openai/v1/completions", status: 404, code: "404" },
    { what: "another method", path: v1, method: "GET", status: 404, code: "404" },
    {
      what: "a deployment in the path that does not exist",
      path: "/openai/deployments/not-there/chat/completions?api-version=2024-10-21",
      status: 404,
      code: "DeploymentNotFound",
    },
    {
      what: "a deployment that cannot be decoded",
      path: "/openai/deployments/%zz/chat/completions?api-version=2024-10-21",
      status: 404,
      code: "404",
    },
    { what: "an id of a response that cannot be decoded", path: "/openai/v1/responses/%zz", method: "GET", status: 404, code: "404" },
    { what: "v1 without a model", path: v1, body: JSON.stringify({ messages: [said("x")] }), status: 404, code: "DeploymentNotFound" },
    { what: "no key", path: v1, headers: {}, status: 401, code: "401" },
    { what: "a wrong key", path: v1, headers: { "api-key": "wrong" }, status: 401, code: "401" },
    { what: "the key as a bearer token", path: v1, headers: { authorization: `Bearer ${key["api-key"]}` }, status: 200 },
    {
      what: "a wrong key beside a good token",
      path: v1,
      headers: { "api-key": "wrong", authorization: `Bearer ${key["api-key"]}` },
      status: 401,
      code: "401",
    },
    { what: "half a JSON", path: v1, body: '{"messages":', status: 400 },
  ];
  for (const { what, path, status, code, method = "POST", headers = key, body: sent = body } of ADDRESSES) {
    test(`${what}: ${status}`, async () => {
      const asked = exchange({ url: sandbox.azure.url, path, method, headers, body: sent });
      await asked.over;
      const received = asked.received();
      const json: unknown = JSON.parse(received.body.toString());
      expect(received.status).toBe(status);
      if (code !== undefined) expect(isObject(json) && isObject(json.error) && json.error.code).toBe(code);
      expect(received.headers).toMatchObject({ "apim-request-id": expect.any(String), "x-ms-region": "Sweden Central" });
    });
  }

  test("the deployment in a dated path is the model, also where the body names another", async () => {
    const asked = exchange({
      url: sandbox.azure.url,
      path: `${dated.replace("gpt-4o", "gpt-4o-mini")}?api-version=2024-10-21`,
      headers: key,
      body,
    });
    await asked.over;
    expect(JSON.parse(asked.received().body.toString()).model).toStartWith("gpt-4o-mini");
  });
});
