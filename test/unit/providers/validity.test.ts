/** How long the credentials of upstreams are valid, where they show it. */
import { describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { providers } from "../../../src/providers/index.ts";

const HOUR_MS = 3_600_000;
const MADE_MS = Date.UTC(2026, 10, 29, 13, 0, 7);

const validityOf = (provider: string, fields: Record<string, unknown>, environment: Record<string, string> = {}) => {
  const known = providers.get(provider);
  return known?.validity(known.resolve(fields), environment);
};
const bedrock = (credentials: Record<string, unknown>, environment: Record<string, string> = {}) =>
  validityOf("bedrock", { aws_region: "eu-central-1", credentials }, environment);
const azure = (credentials: Record<string, unknown>) => validityOf("azure", { endpoint: "https://acme.openai.azure.com", credentials });

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as string);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

/** A key as AWS's token generators make it: an address that is signed by credentials, in base64. */
async function shortTermKey(seconds: number): Promise<string> {
  const credentials = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "an-example-of-a-secret" };
  const signer = new SignatureV4({ service: "bedrock", region: "eu-central-1", credentials, sha256: Sha256 as never });
  const request = {
    method: "POST",
    protocol: "https:",
    hostname: "bedrock.amazonaws.com",
    path: "/",
    headers: { host: "bedrock.amazonaws.com" },
    query: { Action: "CallWithBearerToken" },
  };
  const { query } = await signer.presign(request, { expiresIn: seconds, signingDate: new Date(MADE_MS) });
  const address = `bedrock.amazonaws.com/?${new URLSearchParams(query as Record<string, string>)}&Version=1`;
  return `bedrock-api-key-${Buffer.from(address).toString("base64")}`;
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (claims: unknown) => `${part({ alg: "RS256" })}.${part(claims)}.c2lnbmF0dXJl`;

describe("a short-term Bedrock API key", () => {
  test("says when it was made and when it ends", async () => {
    expect(await shortTermKey(43_200).then((bearer_token) => bedrock({ bearer_token }))).toEqual({
      issuedAtMs: MADE_MS,
      expiresAtMs: MADE_MS + 12 * HOUR_MS,
    });
    expect((await shortTermKey(900).then((bearer_token) => bedrock({ bearer_token })))?.expiresAtMs).toBe(MADE_MS + 900_000);
  });

  test("that cannot be read has no known end, and is no mistake", () => {
    const made = (address: string) => `bedrock-api-key-${Buffer.from(address).toString("base64")}`;
    for (const bearer_token of [
      "bedrock-api-key-",
      "bedrock-api-key-0123456789",
      made("bedrock.amazonaws.com/?X-Amz-Date=20269999T999999Z&X-Amz-Expires=43200"),
      made("bedrock.amazonaws.com/?X-Amz-Date=20261129T130007Z&X-Amz-Expires=soon"),
      made("bedrock.amazonaws.com/?X-Amz-Date=20261129T130007Z"),
      "ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl",
    ])
      expect(bedrock({ bearer_token })).toBeUndefined();
  });
});

describe("a token in JWT form", () => {
  test("says when it ends, and when it was made if it has that", () => {
    const seconds = MADE_MS / 1000;
    for (const ask of [(token: string) => bedrock({ bearer_token: token }), (token: string) => azure({ api_key: token })]) {
      expect(ask(jwt({ iat: seconds, exp: seconds + 3_600 }))).toEqual({ issuedAtMs: MADE_MS, expiresAtMs: MADE_MS + HOUR_MS });
      expect(ask(jwt({ nbf: seconds, exp: seconds + 3_600 }))?.issuedAtMs).toBe(MADE_MS);
      expect(ask(jwt({ exp: seconds + 3_600 }))).toEqual({ issuedAtMs: undefined, expiresAtMs: MADE_MS + HOUR_MS });
    }
  });

  test("without an end, or a text that only looks like a token, has no known end", () => {
    for (const token of [jwt({}), jwt({ exp: "soon" }), jwt({ exp: -1 }), jwt(null), jwt([]), "a.b.c", "..", "a.b"])
      expect(azure({ api_key: token })).toBeUndefined();
  });
});

describe("AWS keys of the environment", () => {
  const keys = { AWS_ACCESS_KEY_ID: "ASIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "an-example-of-a-secret" };
  const ending = { ...keys, AWS_CREDENTIAL_EXPIRATION: "2026-11-29T14:00:07Z" };

  test("end when the environment says so", () => {
    expect(bedrock({}, ending)).toEqual({ issuedAtMs: undefined, expiresAtMs: MADE_MS + HOUR_MS });
    expect(bedrock({}, keys)).toBeUndefined();
    expect(bedrock({}, { ...ending, AWS_CREDENTIAL_EXPIRATION: "soon" })).toBeUndefined();
  });

  test("count only where AWS's chain takes them", () => {
    expect(bedrock({}, { ...ending, AWS_PROFILE: "production" })).toBeUndefined();
    expect(bedrock({}, { AWS_CREDENTIAL_EXPIRATION: ending.AWS_CREDENTIAL_EXPIRATION })).toBeUndefined();
    expect(bedrock({ profile: "production" }, ending)).toBeUndefined();
    expect(bedrock({ access_key_id: "AKIAEXAMPLE", secret_access_key: "an-example-of-a-secret" }, ending)).toBeUndefined();
  });
});

test("a token of Entra ID is renewed, and the end of an application's secret cannot be known", () => {
  const application = { tenant_id: "a-tenant", client_id: "a-client" };
  expect(azure({ ...application, client_secret: "an-example-of-a-secret" })).toBeUndefined();
  expect(azure({ ...application, token_file: "/var/run/secrets/token" })).toBeUndefined();
});
