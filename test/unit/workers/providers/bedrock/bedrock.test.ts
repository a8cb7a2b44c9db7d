import { afterEach, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asGatewayError } from "../../../../../src/contract/errors.ts";
import type { BedrockSettings } from "../../../../../src/providers/bedrock/settings.ts";
import { withPassedOn } from "../../../../../workers/call.ts";
import { openBedrock } from "../../../../../workers/providers/bedrock/bedrock.ts";
import type { Adapter } from "../../../../../workers/providers/provider.ts";
import { sdkRequest } from "../../../../support/fixtures/aws-sdk.ts";
import { headersSent, job, upstream } from "../upstream.ts";

const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const STATIC = { kind: "static" as const, accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };

const original = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, original);
});

function environment(variables: Record<string, string>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  // No credentials of the machine that the test runs on, and no waiting for EC2's address.
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    ...variables,
  });
}

function open(credentials: BedrockSettings["credentials"], nowMs?: () => number, further = {}): Adapter {
  const settings = { awsRegion: "eu-central-1", endpoint: "https://bedrock-runtime.eu-central-1.amazonaws.com", credentials, ...further };
  return openBedrock(upstream("bedrock", settings), nowMs);
}

async function signer(adapter: Adapter): Promise<string | undefined> {
  const request = await adapter.request(job());
  return /Credential=([^/]+)/.exec(headersSent(request).authorization ?? "")?.[1];
}

test("static keys sign, and the model's id is escaped whole", async () => {
  const adapter = open(STATIC, () => Date.UTC(2026, 0, 1));
  const request = await adapter.request(job({ upstreamModel: "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.a(b)" }));
  const { path, method } = request;
  expect({ path, method }).toEqual({
    path: "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.a%28b%29/invoke",
    method: "POST",
  });
  expect(headersSent(request)).toMatchObject({
    host: "bedrock-runtime.eu-central-1.amazonaws.com",
    accept: "application/json",
    "x-amz-date": "20260101T000000Z",
  });
});

test.each([
  "anthropic.claude-3-5-sonnet-20240620-v1:0",
  "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
  "us-gov.anthropic.claude-sonnet-4-6",
  "anthropic.claude-opus-4-6-v1",
  "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-6",
  "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3d4e5f6",
  "arn:aws:bedrock:eu-central-1:123456789012:provisioned-model/abcdefghijkl",
  "arn:aws:bedrock:eu-central-1::custom-model/anthropic.claude-3-haiku-20240307-v1:0:200k/abcdefghijkl",
  "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:endpoint/My_Endpoint~1",
])("%s is sent as AWS's own SDK writes it", async (upstreamModel) => {
  for (const stream of [false, true]) {
    const sent = await sdkRequest(KEYS, "eu-central-1", { modelId: upstreamModel, body: Buffer.from("{}"), stream });
    const request = await open({ kind: "static", ...KEYS }).request(job({ upstreamModel, stream }));
    const { path } = request;
    expect(path).toBe(sent.path);
    expect(headersSent(request).host).toBe(sent.headers.host ?? "");
  }
});

test("a session token is sent and signed", async () => {
  const request = await open({ ...STATIC, sessionToken: "hush" }).request(job());
  expect(headersSent(request)["x-amz-security-token"]).toBe("hush");
  expect(headersSent(request).authorization).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
});

test("a stream has its own path and its own accept header", async () => {
  const request = await open(STATIC).request(job({ stream: true }));
  const { path } = request;
  expect(path).toBe("/model/up/invoke-with-response-stream");
  expect(headersSent(request)).toMatchObject({ "x-amzn-bedrock-accept": "application/json" });
  expect(headersSent(request).accept).toBeUndefined();
});

test("an endpoint with port and path is kept", async () => {
  const request = await open(STATIC, undefined, { endpoint: "http://127.0.0.1:9999/aws" }).request(job());
  const { path, origin } = request;
  expect(path).toBe("/aws/model/up/invoke");
  expect(origin).toEqual({ tls: false, host: "127.0.0.1", port: 9999, ca: undefined });
  expect(headersSent(request).host).toBe("127.0.0.1:9999");
});

test("a Bedrock API key is sent as it is, and nothing is signed", async () => {
  const headers = headersSent(await open({ kind: "bearer", token: "bedrock-api-key" }).request(job()));
  expect(headers.authorization).toBe("Bearer bedrock-api-key");
  expect(headers["x-amz-date"]).toBeUndefined();
});

test("what Bedrock cannot do is refused before anything is signed", () => {
  expect(() => open(STATIC).request(job({ body: '{"container":"c","messages":[]}' }))).toThrow("container");
});

test("the default chain takes keys from the environment", async () => {
  environment({ AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "s", AWS_SESSION_TOKEN: "t" });
  const adapter = open({ kind: "default" });
  expect(await signer(adapter)).toBe("AKIDENV");
  expect(headersSent(await adapter.request(job()))["x-amz-security-token"]).toBe("t");
});

test("a profile is taken from the configuration files, and not from the environment", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-aws-"));
  try {
    const file = join(folder, "credentials");
    writeFileSync(
      file,
      "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = s\n",
    );
    environment({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "s" });
    expect(await signer(open({ kind: "profile", profile: "team" }))).toBe("AKIDTEAM");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("credentials that cannot be found are a mistake of the operator, and the log says where and how to mend it", async () => {
  environment({});
  const error = await Promise.resolve(open({ kind: "default" }).request(job())).catch(asGatewayError);
  expect(error).toMatchObject({ kind: "misconfigured" });
  const log = asGatewayError(error).detail.log;
  expect(log).toContain('upstream "bedrock-eu": no AWS credentials');
  expect(log).toContain("give the process a role or a profile");
});

test("Bedrock's own id of a call is known", () => {
  expect(open(STATIC).upstreamRequestId(new Map([["x-amzn-requestid", "abc"]]))).toBe("abc");
});

test.each(["static", "bearer"] as const)(
  "headers that are passed along with a call are sent beside those of its %s credentials",
  async (kind) => {
    const adapter = open(kind === "static" ? STATIC : { kind, token: "bedrock-api-key" });
    const own = await adapter.request(job());
    const whole = withPassedOn(own, { passedOn: "x-request-id\nmine", isTimed: false });
    expect(headersSent(whole)).toEqual({ ...headersSent(own), "x-request-id": "mine" });
    expect(headersSent(own).authorization).toMatch(kind === "static" ? /^AWS4-HMAC-SHA256 / : /^Bearer /);
    expect(Object.isFrozen(whole.headers)).toBe(true);
  },
);
