import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { ErrorKind } from "../../../../../src/contract/errors.ts";
import { bedrockFailure } from "../../../../../workers/providers/bedrock/errors.ts";

const PLACE = { upstream: "bedrock-eu", upstreamModel: "eu.anthropic.claude" };

function fail(status: number, name: string, message: string, body?: string) {
  const headers = new Map(name === "" ? [] : [["x-amzn-errortype", `${name}:http://internal.amazon.com/coral/`] as const]);
  return bedrockFailure(PLACE, status, headers, Buffer.from(body ?? JSON.stringify({ message })).toString("latin1"));
}

// The first eleven are of AWS, "InvokeModel" and "InvokeModelWithResponseStream" (API reference, errors).
const TABLE: [number, string, ErrorKind][] = [
  [400, "ValidationException", "upstream_rejected"],
  [400, "ServiceQuotaExceededException", "upstream_rate_limited"],
  [403, "AccessDeniedException", "misconfigured"],
  [404, "ResourceNotFoundException", "misconfigured"],
  [408, "ModelTimeoutException", "upstream_timeout"],
  [424, "ModelErrorException", "upstream_failed"],
  [424, "ModelStreamErrorException", "upstream_failed"],
  [429, "ThrottlingException", "upstream_rate_limited"],
  [429, "ModelNotReadyException", "upstream_overloaded"],
  [500, "InternalServerException", "upstream_failed"],
  [503, "ServiceUnavailableException", "upstream_overloaded"],
  [403, "UnrecognizedClientException", "misconfigured"],
  [403, "ExpiredTokenException", "misconfigured"],
  [403, "InvalidSignatureException", "misconfigured"],
  [400, "IncompleteSignature", "misconfigured"],
  [404, "UnknownOperationException", "misconfigured"],
  [403, "", "misconfigured"],
  [404, "", "misconfigured"],
  [302, "", "misconfigured"],
  [429, "", "upstream_rate_limited"],
  [503, "", "upstream_overloaded"],
  [500, "", "upstream_failed"],
  [418, "", "upstream_rejected"],
];

test.each(TABLE)("%d %s is %s", (status, name, kind) => {
  expect(fail(status, name, "in words").kind).toBe(kind);
});

test("a mistake of the client is answered with Bedrock's words and status", () => {
  const { kind, message, detail } = fail(400, "ValidationException", "messages.0.content: Größe");
  expect({ kind, message, status: detail.status }).toEqual({
    kind: "upstream_rejected",
    message: "messages.0.content: Größe",
    status: 400,
  });
  expect(detail.log).not.toContain("Input is too long");
});

test("too many tokens is throttling, whatever it is called", () => {
  for (const [status, name] of [
    [429, "ThrottlingException"],
    [400, "ValidationException"],
    [400, ""],
  ] as const) {
    const { kind, detail } = fail(status, name, "Too many tokens, please wait before trying again.");
    expect(kind).toBe("upstream_rate_limited");
    expect(detail.retryAfterMs).toBeWithin(1_000, 59_001);
  }
});

test.each([
  ["The provided model identifier is invalid.", "target"],
  ["Invocation of model ID anthropic.claude with on-demand throughput isn’t supported.", "inference profile"],
])("%s is a mistake of the operator", (words, cure) => {
  const { kind, message, detail } = fail(400, "ValidationException", words);
  expect(kind).toBe("misconfigured");
  expect(message).not.toContain(words);
  expect(detail.log).toContain('upstream "bedrock-eu", model "eu.anthropic.claude"');
  expect(detail.log).toContain(cure);
});

test("AWS's message about a bad signature is not logged, because it repeats the session token", () => {
  const { detail } = fail(403, "InvalidSignatureException", "The Canonical String should have been 'POST x-amz-security-token:SECRET'");
  expect(JSON.stringify(detail)).not.toContain("SECRET");
  expect(detail.log).toContain("clock");
});

test("every spelling of an error is read", () => {
  expect(fail(400, "", "", '{"Message":"too big"}').message).toBe("too big");
  expect(fail(400, "", "", '{"__type":"com.amazon.coral.service#ThrottlingException","message":"slow"}').kind).toBe(
    "upstream_rate_limited",
  );
  expect(fail(429, "", "", '{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')).toMatchObject({
    kind: "upstream_overloaded",
    message: "busy",
  });
  expect(fail(413, "", "", '{"type":"error","error":{"type":"request_too_large","message":"large"}}').detail).toMatchObject({
    status: 413,
    type: "request_too_large",
  });
  for (const body of ["", "<html>", "[]", '"x"', '{"message":5}', '{"message":"cut'])
    expect(fail(500, "", "", body).kind).toBe("upstream_failed");
});

test("a name that means something to JavaScript is only a name", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    const { kind, message } = fail(500, name, "words");
    expect([name, kind, message]).toEqual([name, "upstream_failed", "words"]);
  }
});

// Claude 4.7 and later answer in this form. Types: platform.claude.com, "Errors".
test.each([
  ["invalid_request_error", 400, "upstream_rejected"],
  ["rate_limit_error", 429, "upstream_rate_limited"],
  ["overloaded_error", 529, "upstream_overloaded"],
  ["timeout_error", 408, "upstream_timeout"],
  ["api_error", 500, "upstream_failed"],
  ["authentication_error", 401, "misconfigured"],
  ["permission_error", 403, "misconfigured"],
  ["billing_error", 402, "misconfigured"],
  ["not_found_error", 404, "misconfigured"],
] as const)("an answer in Anthropic's own form, %s, is understood", (type, status, kind) => {
  const error = fail(status, "", "", JSON.stringify({ type: "error", error: { type, message: "Wörter" }, request_id: "req_1" }));
  expect(error.kind).toBe(kind);
  if (kind === "misconfigured") expect(error.message).not.toContain("Wörter");
  else expect(error.message).toBe("Wörter");
});

test("an error that may pass by itself says when to try again, and no other error does", () => {
  const hint = (status: number, name: string) => fail(status, name, "words").detail.retryAfterMs;
  for (const [status, name] of [
    [429, "ThrottlingException"],
    [400, "ServiceQuotaExceededException"],
    [429, "ModelNotReadyException"],
    [503, "ServiceUnavailableException"],
  ] as const)
    expect(hint(status, name)).toBeWithin(1_000, 59_001);
  for (const [status, name] of [
    [400, "ValidationException"],
    [500, "InternalServerException"],
    [403, "AccessDeniedException"],
  ] as const)
    expect(hint(status, name)).toBeUndefined();
});

test("for each mistake of the operator the log names the upstream, the model and the cure", () => {
  for (const [status, name, cure] of [
    [403, "AccessDeniedException", "allow bedrock:InvokeModel"],
    [404, "ResourceNotFoundException", "correct the model's target"],
    [403, "UnrecognizedClientException", "give the upstream valid credentials"],
    [403, "ExpiredTokenException", "renew it"],
    [403, "", "check the upstream's endpoint, credentials and permissions"],
  ] as const) {
    const { log } = fail(status, name, "User: arn:aws:iam::1:user/x is not authorized").detail;
    expect(log).toStartWith(`upstream "bedrock-eu", model "eu.anthropic.claude": ${status}`);
    expect(log).toContain(cure);
  }
});

test("the log names a wrong API key, although its exception is the one of a missing permission", () => {
  const { log } = fail(403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.").detail;
  expect(log).toEndWith("AWS does not know the key; give the upstream valid credentials");
  expect(log).not.toContain("bedrock:InvokeModel");
});
