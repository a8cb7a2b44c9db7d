import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { ErrorKind } from "../../src/contract/errors.ts";
import { bedrockFailure } from "../../workers/providers/bedrock-errors.ts";

const PLACE = { upstream: "bedrock-eu", upstreamModel: "eu.anthropic.claude" };

function fail(status: number, name: string, message: string, body?: string) {
  const headers = new Map(name === "" ? [] : [["x-amzn-errortype", `${name}:http://internal.amazon.com/coral/`] as const]);
  return bedrockFailure(PLACE, status, headers, Buffer.from(body ?? JSON.stringify({ message })).toString("latin1"));
}

// wire.md §1.8
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

test("the client's mistake is told in Bedrock's words and with its status", () => {
  const { kind, message, detail } = fail(400, "ValidationException", "Input is too long for requested model. Größe");
  expect({ kind, message, status: detail.status }).toEqual({
    kind: "upstream_rejected",
    message: "Input is too long for requested model. Größe",
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
])("%s is ours to mend", (words, cure) => {
  const { kind, message, detail } = fail(400, "ValidationException", words);
  expect(kind).toBe("misconfigured");
  expect(message).not.toContain(words);
  expect(detail.log).toContain('upstream "bedrock-eu", model "eu.anthropic.claude"');
  expect(detail.log).toContain(cure);
});

test("what AWS says of a bad signature is kept out of the log: it repeats the session token", () => {
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
