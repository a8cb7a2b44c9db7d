import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { openai } from "../../../../../src/dialects/openai/openai.ts";
import { azureFailure, azureStreamError } from "../../../../../workers/providers/azure/errors.ts";

const PLACE = { upstream: "azure-eu", deployment: "gpt-4o-prod" };
const latin1 = (characters: string) => Buffer.from(characters).toString("latin1");
const fail = (status: number, body: string, headers: Record<string, string> = {}) =>
  azureFailure(PLACE, status, new Map(Object.entries(headers)), latin1(body), 0);
const shown = (text: string) => JSON.parse(Buffer.from(text, "latin1").toString("utf8"));

const FILTER = '"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true}}}';

// OpenAI's clients expect the fields that Azure leaves out.
test.each([
  [
    400,
    '{"error":{"message":"Größe","type":null,"param":"prompt","code":"content_filter","status":400}}',
    null,
    "prompt",
    "content_filter",
  ],
  [
    400,
    `{"error":{"message":"Größe","param":"prompt","code":"content_filter",${FILTER}}}`,
    "invalid_request_error",
    "prompt",
    "content_filter",
  ],
  [400, '{"error":{"code":"BadRequest","message":"Größe"}}', "invalid_request_error", null, "BadRequest"],
  [400, '{"error":{"requestid":"r","code":400,"message":"Größe"}}', "invalid_request_error", null, 400],
  [422, '{"statusCode":422,"message":"Größe"}', "invalid_request_error", null, null],
  [409, '{"error":{"message":"Größe"}}', "invalid_request_error", null, null],
])("status %d, %s: the client gets all four fields", (status, body, type, param, code) => {
  const error = fail(status, body);
  expect([error.kind, error.detail.status]).toEqual(["upstream_rejected", status]);
  expect(shown(openai.errorBody(error, "r")).error).toMatchObject({ message: "Größe", type, param, code });
  if (body.includes("innererror")) expect(shown(openai.errorBody(error, "r")).error.innererror.code).toBe("ResponsibleAIPolicyViolation");
});

test.each(["", "<html>Bad request</html>", "[]", '"x"', '{"error":"words"}', '{"error":{"code":"x"}}', '{"error":{"message":"cut'])(
  "the body %j of a refusal is no more than a refusal",
  (body) => {
    const { error } = shown(openai.errorBody(fail(400, body), "r"));
    expect(error).toMatchObject({ message: "The model's service refused the request.", type: "invalid_request_error", param: null });
  },
);

test.each([
  [302, "", "correct the upstream's endpoint"],
  [401, '{"error":{"code":"401","message":"The key hush-hush is wrong"}}', "check credentials, scope"],
  [403, '{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}', "Firewall rules."],
  [403, "", "check the role of the identity"],
  [404, '{"error":{"code":"DeploymentNotFound","message":"The API deployment does not exist."}}', "correct the model's target"],
  [405, "<html>", "correct the upstream's endpoint"],
  [400, '{"error":{"code":"BadRequest","message":"API version not supported"}}', "correct the upstream's api"],
  [
    400,
    '{"error":{"code":"BadRequest","message":"Model o3-mini is enabled only for api versions 2024-12-01-preview and later"}}',
    "2024-12-01-preview and later",
  ],
  [
    400,
    '{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, gpt-5.1-codex."}}',
    "name a deployment that does",
  ],
])("status %d, %s is a mistake of the operator: the log names the place and the cure", (status, body, cure) => {
  const { kind, message, detail } = fail(status, body);
  expect(kind).toBe("misconfigured");
  expect(message).toBe("The gateway is not set up correctly for this model; its operator has to act.");
  expect(detail.body).toBeUndefined();
  expect(detail.log).toStartWith(`upstream "azure-eu", deployment "gpt-4o-prod": status ${status}`);
  expect(detail.log).toContain(cure);
  expect(JSON.stringify(detail)).not.toContain("hush-hush");
});

test("the log has Azure's words where they are about the service, and not where they may be about the prompt", () => {
  expect(fail(429, '{"error":{"code":"429","message":"exceeded token rate limit"}}').detail.log).toEndWith(
    "429: exceeded token rate limit",
  );
  expect(fail(503, '{"error":{"code":"503","message":"high demand"}}').detail.log).toEndWith("high demand");
  expect(fail(400, '{"error":{"code":"x","message":"Invalid value: my prompt"}}').detail.log).not.toContain("my prompt");
});

test.each([
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:07 GMT" }, "", 7_000],
  [{ "retry-after": "0.2" }, "", 200],
  [{ "retry-after-ms": "90000" }, "", 59_000],
  [{ "retry-after-ms": "soon", "retry-after": "later" }, "Please retry after 2 seconds.", 2_000],
  [{ "retry-after": "0" }, "Please retry after 1 second.", 1_000],
  [{}, "Please retry after 86400 seconds.", 59_000],
])("%j %s: try again after %d ms", (headers, message, retryAfterMs) => {
  expect(fail(429, JSON.stringify({ error: { message } }), headers).detail.retryAfterMs).toBe(retryAfterMs);
});

test.each([
  ["a hint in the past", { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }],
  ["a negative hint", { "retry-after": "-5" }],
  ["an empty hint", { "retry-after": "", "retry-after-ms": "" }],
])("%s is no hint", (_name, headers) => {
  expect(fail(429, "", headers).detail.retryAfterMs).toBeWithin(1_000, 5_001);
});

test.each([
  ['{"error":{"code":"429","message":"Größe"}}', "upstream_rate_limited", "429"],
  ['{"error":{"code":"server_is_overloaded","message":"Größe"}}', "upstream_overloaded", "server_is_overloaded"],
  ['{\n "error": {"message":"Größe",\n"type":"server_error","param":null,"code":null}}', "upstream_failed", null],
])("an error in the middle of a stream, %j, is completed and stays on one line", (json, kind, code) => {
  const error = azureStreamError(PLACE, latin1(json));
  expect(error.kind).toBe(kind as never);
  const event = openai.errorEvent(error, "r", "generate");
  expect(event).toMatch(/^data: [^\n]*\n\n$/);
  expect(Object.keys(shown(event.slice(6)).error).sort()).toEqual(["code", "message", "param", "type"]);
  expect(shown(event.slice(6)).error).toMatchObject({ message: "Größe", code });
});
