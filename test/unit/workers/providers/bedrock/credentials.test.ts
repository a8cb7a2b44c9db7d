import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asGatewayError, type GatewayError } from "../../../../../src/contract/errors.ts";
import type { AwsCredentials } from "../../../../../src/providers/bedrock/settings.ts";
import { awsIdentities } from "../../../../../workers/providers/bedrock/credentials.ts";
import { eventually } from "../../../../support/waits.ts";
import { serving } from "../upstream.ts";

const HOUR_MS = 3_600_000;
const original = { ...process.env };
const folder = mkdtempSync(join(tmpdir(), "weir-aws-"));
const file = join(folder, "credentials");

afterEach(() => {
  clear();
  Object.assign(process.env, original);
  rmSync(file, { force: true });
});

afterAll(() => rmSync(folder, { recursive: true }));

function clear(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
}

/** No credentials of the machine that the test runs on, and no waiting for EC2's address. */
function environment(variables: Record<string, string>): void {
  clear();
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: join(folder, "config"),
    AWS_SHARED_CREDENTIALS_FILE: file,
    ...variables,
  });
}

function profiles(keys: Record<string, string>): void {
  const sections = Object.entries(keys).map(([name, key]) => `[${name}]\naws_access_key_id = ${key}\naws_secret_access_key = s\n`);
  writeFileSync(file, sections.join(""));
}

function open(credentials: AwsCredentials, nowMs?: () => number) {
  const identities = awsIdentities("bedrock-eu", "eu-central-1", credentials, nowMs);
  const key = async () => (await identities.get()).accessKeyId;
  const refusal = async (): Promise<GatewayError> =>
    key().then(
      (found) => Promise.reject(new Error(`it was not refused: ${found}`)),
      (thrown) => asGatewayError(thrown),
    );
  return { identities, key, refusal };
}

/** The endpoint of a container (ECS, EKS Pod Identity): a new key each time, good for an hour. */
function container(clock: { nowMs: number }) {
  const state = { asked: 0, failing: false, authorization: "", delay: Promise.resolve() };
  const answer = async (request: Request): Promise<Response> => {
    state.asked++;
    state.authorization = request.headers.get("authorization") ?? "";
    const { asked, failing } = state;
    await state.delay;
    if (failing) return Response.json({ message: "no role here" }, { status: 403 });
    const Expiration = new Date(clock.nowMs + HOUR_MS).toISOString();
    return Response.json({ AccessKeyId: `AKID${asked}`, SecretAccessKey: "s", Token: `t${asked}`, Expiration });
  };
  return { state, answer };
}

test("static keys are given out as they are, at once", () => {
  const { identities } = open({ kind: "static", accessKeyId: "AKID", secretAccessKey: "s", sessionToken: "t" });
  expect(identities.get()).toEqual({ accessKeyId: "AKID", secretAccessKey: "s", sessionToken: "t" });
  expect(identities.get()).toBe(identities.get());
});

test("container credentials: one request for all calls that wait, and one early renewal while the old ones are used", async () => {
  const clock = { nowMs: Date.now() };
  const { state, answer } = container(clock);
  await serving(answer, async (url) => {
    environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/creds`, AWS_CONTAINER_AUTHORIZATION_TOKEN: "pod" });
    const { identities, key } = open({ kind: "default" }, () => clock.nowMs);
    expect(await Promise.all([key(), key(), key()])).toEqual(["AKID1", "AKID1", "AKID1"]);
    expect([state.asked, state.authorization]).toEqual([1, "pod"]);
    clock.nowMs += HOUR_MS - 5 * 60_000 - 2_000;
    expect(await identities.get()).toEqual({ accessKeyId: "AKID1", secretAccessKey: "s", sessionToken: "t1" });
    expect(state.asked).toBe(1);
    let release = () => {};
    state.delay = new Promise((resolve) => {
      release = resolve;
    });
    clock.nowMs += 3_000;
    expect(await Promise.all([key(), key()])).toEqual(["AKID1", "AKID1"]);
    await eventually(() => state.asked === 2, "the renewal to begin");
    expect(await key()).toBe("AKID1");
    release();
    await eventually(async () => (await key()) === "AKID2", "the new credentials");
    expect(state.asked).toBe(2);
  });
});

test("while a renewal fails the old credentials are used until they expire, and then the log says why", async () => {
  const clock = { nowMs: Date.now() };
  const { state, answer } = container(clock);
  await serving(answer, async (url) => {
    environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/creds` });
    const { key, refusal } = open({ kind: "default" }, () => clock.nowMs);
    expect(await key()).toBe("AKID1");
    state.failing = true;
    clock.nowMs += HOUR_MS - 60_000;
    expect(await key()).toBe("AKID1");
    await eventually(() => state.asked > 1, "another request");
    expect(await key()).toBe("AKID1");
    clock.nowMs += 61_000;
    const { kind, message, detail } = await refusal();
    expect(kind).toBe("misconfigured");
    expect(message).not.toContain("AWS");
    expect(detail.log).toStartWith('upstream "bedrock-eu": no AWS credentials from AWS\'s default chain');
    expect(detail.log).toContain("give the process a role or a profile");
    // Calls in the next moment get the remembered failure; after that the source is asked again.
    const { asked } = state;
    await refusal();
    expect(state.asked).toBe(asked);
    state.failing = false;
    clock.nowMs += 3_000;
    expect(await key()).toBe(`AKID${asked + 1}`);
  });
});

test("credentials that AWS has refused are looked for again, also in a file that has changed", async () => {
  environment({});
  profiles({ team: "AKIDOLD" });
  const clock = { nowMs: Date.now() };
  const { identities, key } = open({ kind: "profile", profile: "team" }, () => clock.nowMs);
  expect(await key()).toBe("AKIDOLD");
  profiles({ team: "AKIDNEW" });
  clock.nowMs += 20_000;
  expect(await key()).toBe("AKIDOLD");
  identities.suspect();
  await eventually(async () => (await key()) === "AKIDNEW", "the new credentials");
});

test("the default chain takes the default profile, and AWS_PROFILE another", async () => {
  environment({});
  profiles({ default: "AKIDDEFAULT", other: "AKIDOTHER" });
  expect(await open({ kind: "default" }).key()).toBe("AKIDDEFAULT");
  process.env.AWS_PROFILE = "other";
  expect(await open({ kind: "default" }).key()).toBe("AKIDOTHER");
});

test("a profile that does not exist is an error, and no other credentials replace it", async () => {
  const { answer } = container({ nowMs: Date.now() });
  await serving(answer, async (url) => {
    environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url, AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "s" });
    profiles({ team: "AKIDTEAM" });
    const { kind, detail } = await open({ kind: "profile", profile: "taem" }).refusal();
    expect(kind).toBe("misconfigured");
    expect(detail.log).toContain('upstream "bedrock-eu": no AWS credentials from the profile "taem"');
  });
});

test("credentials of the environment that have expired are a mistake of the operator", async () => {
  const expired = "2026-01-01T00:00:00Z";
  environment({ AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "hush-hush", AWS_CREDENTIAL_EXPIRATION: expired });
  const { kind, detail } = await open({ kind: "default" }).refusal();
  expect(kind).toBe("misconfigured");
  expect(detail.log).toContain("expired on Thu, 01 Jan 2026");
  expect(JSON.stringify(detail)).not.toContain("hush-hush");
});
