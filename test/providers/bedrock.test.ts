import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asGatewayError } from "../../src/contract/errors.ts";
import { openBedrock } from "../../workers/providers/bedrock.ts";
import type { Connection } from "../../workers/providers/provider.ts";
import { headersOf, job, serving, upstream } from "./upstream.ts";

const STATIC = { kind: "static", accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };

const original = { ...process.env };
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, original);
});

function environment(variables: Record<string, string>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  // Nothing of the machine it runs on, and no waiting for EC2's address.
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    ...variables,
  });
}

function open(credentials: unknown, nowMs?: () => number, further = {}): Connection {
  const settings = { awsRegion: "eu-central-1", endpoint: "https://bedrock-runtime.eu-central-1.amazonaws.com", credentials, ...further };
  return openBedrock(upstream("bedrock", settings), nowMs);
}

async function signer(connection: Connection): Promise<string | undefined> {
  const { headers } = await connection.request(job());
  return /Credential=([^/]+)/.exec(headersOf(headers).authorization ?? "")?.[1];
}

test("static keys sign, and the model's id is escaped whole", async () => {
  const connection = open(STATIC, () => Date.UTC(2026, 0, 1));
  const { path, method, headers } = await connection.request(
    job({ upstreamModel: "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.a(b)" }),
  );
  expect({ path, method }).toEqual({
    path: "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Ainference-profile%2Feu.a%28b%29/invoke",
    method: "POST",
  });
  expect(headersOf(headers)).toMatchObject({
    host: "bedrock-runtime.eu-central-1.amazonaws.com",
    accept: "application/json",
    "x-amz-date": "20260101T000000Z",
  });
});

test("a stream has its own path and its own accept header", async () => {
  const { path, headers } = await open(STATIC).request(job({ stream: true }));
  expect(path).toBe("/model/up/invoke-with-response-stream");
  expect(headersOf(headers)).toMatchObject({ "x-amzn-bedrock-accept": "application/json" });
  expect(headersOf(headers).accept).toBeUndefined();
});

test("an endpoint with port and path is kept", async () => {
  const { path, origin, headers } = await open(STATIC, undefined, { endpoint: "http://127.0.0.1:9999/aws" }).request(job());
  expect(path).toBe("/aws/model/up/invoke");
  expect(origin).toEqual({ tls: false, host: "127.0.0.1", port: 9999, ca: undefined });
  expect(headersOf(headers).host).toBe("127.0.0.1:9999");
});

test("a Bedrock API key is sent as it is, and nothing is signed", async () => {
  const headers = headersOf((await open({ kind: "bearer", token: "bedrock-api-key" }).request(job())).headers);
  expect(headers.authorization).toBe("Bearer bedrock-api-key");
  expect(headers["x-amz-date"]).toBeUndefined();
});

test("what Bedrock cannot do is refused before anything is signed", () => {
  expect(() => open(STATIC).request(job({ body: '{"container":"c","messages":[]}' }))).toThrow("container");
});

test("the default chain takes keys from the environment", async () => {
  environment({ AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "s", AWS_SESSION_TOKEN: "t" });
  const connection = open({ kind: "default" });
  expect(await signer(connection)).toBe("AKIDENV");
  expect(headersOf((await connection.request(job())).headers)["x-amz-security-token"]).toBe("t");
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

test("container credentials are renewed before they expire, and not used after", async () => {
  let served = 0;
  let failing = false;
  const startMs = Date.now();
  let nowMs = startMs;
  const answer = () => {
    if (failing) return new Response("{}", { status: 400 });
    const Expiration = new Date(nowMs + 3_600_000).toISOString();
    return Response.json({ AccessKeyId: `AKID${++served}`, SecretAccessKey: "s", Token: "t", Expiration });
  };
  await serving(answer, async (url) => {
    environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/creds` });
    const connection = open({ kind: "default" }, () => nowMs);
    expect(await Promise.all([signer(connection), signer(connection)])).toEqual(["AKID1", "AKID1"]);
    nowMs = startMs + 3_600_000 - 4 * 60_000;
    expect(await signer(connection)).toBe("AKID1");
    while (served < 2) await Bun.sleep(1);
    while ((await signer(connection)) !== "AKID2") await Bun.sleep(1);
    failing = true;
    nowMs += 3_600_000;
    const refused = await signer(connection).catch(asGatewayError);
    expect(refused).toMatchObject({ kind: "misconfigured" });
  });
});

test("credentials that cannot be had are ours to mend, and the log says where and how", async () => {
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
