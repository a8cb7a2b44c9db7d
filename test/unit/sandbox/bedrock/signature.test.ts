/** Which signatures are accepted: AWS's own signer makes them and the stand-in checks them. All others get AWS's refusals. */
import { afterAll, describe, expect, test } from "bun:test";
import type { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { exchange } from "../../../support/exchange.ts";
import { bedrockClient, invoke, refusal, type SignedRequest, tamperingClient } from "./client.ts";

const EXPIRED = {
  accessKeyId: "ASIAEXPIREDEXAMPLE03",
  secretAccessKey: "the secret",
  sessionToken: "an old token",
  expiresAtMs: Date.now() - 1,
};
const VECTOR = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

const sandbox = await startSandbox();
sandbox.credentials.aws.push(EXPIRED);
afterAll(() => sandbox.close());

const [lasting = VECTOR, temporary = EXPIRED] = sandbox.credentials.aws;
const MINUTE_MS = 60_000;

const client = (changes: Parameters<typeof bedrockClient>[1] = {}) => bedrockClient(sandbox, changes);
const tampered = (change: (request: SignedRequest) => void, changes: Parameters<typeof bedrockClient>[1] = {}) =>
  tamperingClient(sandbox, change, changes);
const header = (name: string, value: string) =>
  tampered(({ headers }) => {
    headers[name] = value;
  });
const scope = (from: string | RegExp, to: string) =>
  tampered(({ headers }) => {
    headers.authorization = (headers.authorization ?? "").replace(from, to);
  });
const without = (name: string) =>
  tampered(({ headers }) => {
    delete headers[name];
  });

describe("accepted", () => {
  const welcome: Record<string, () => BedrockRuntimeClient> = {
    "a lasting key": () => client(),
    "a temporary key with its session token": () => client({ credentials: temporary }),
    "a clock that is four minutes slow": () => client({ systemClockOffset: -4 * MINUTE_MS }),
    "a clock that is four minutes fast": () => client({ systemClockOffset: 4 * MINUTE_MS }),
    "another region": () => client({ region: "us-east-1" }),
    "a header that was not signed and changed on its way": () => header("user-agent", "another"),
  };
  for (const [who, make] of Object.entries(welcome)) {
    test(who, async () => {
      expect((await invoke(make(), "Hello!")).role).toBe("assistant");
    });
  }

  test("the record of a call has the region of its signature, and no credentials", async () => {
    await invoke(client({ region: "ap-southeast-2", credentials: temporary }), "Hello!");
    const seen = sandbox.calls.recent.at(-1);
    expect(seen?.region).toBe("ap-southeast-2");
    expect(seen?.headers.authorization).toEndWith("Signature=***");
    expect(seen?.headers["x-amz-security-token"]).toBe("***");
  });
});

describe("refused, in AWS's words", () => {
  const refusals: [who: string, make: () => BedrockRuntimeClient, name: string, message: RegExp][] = [
    [
      "a wrong secret",
      () => client({ credentials: { ...lasting, secretAccessKey: "wrong" } }),
      "InvalidSignatureException",
      /does not match/,
    ],
    [
      "an unknown key",
      () => client({ credentials: { ...lasting, accessKeyId: "AKIANOBODYEXAMPLE000" } }),
      "UnrecognizedClientException",
      /security token/,
    ],
    [
      "a clock that is six minutes slow",
      () => client({ systemClockOffset: -6 * MINUTE_MS }),
      "InvalidSignatureException",
      /Signature expired/,
    ],
    [
      "a clock that is six minutes fast",
      () => client({ systemClockOffset: 6 * MINUTE_MS }),
      "InvalidSignatureException",
      /not yet current/,
    ],
    [
      "a temporary key without its session token",
      () => client({ credentials: { accessKeyId: temporary.accessKeyId, secretAccessKey: temporary.secretAccessKey } }),
      "UnrecognizedClientException",
      /security token/,
    ],
    [
      "a wrong session token",
      () => client({ credentials: { ...temporary, sessionToken: "wrong" } }),
      "UnrecognizedClientException",
      /security token/,
    ],
    [
      "a session token with a lasting key",
      () => client({ credentials: { ...lasting, sessionToken: "any" } }),
      "UnrecognizedClientException",
      /security token/,
    ],
    ["a session token that has expired", () => client({ credentials: EXPIRED }), "ExpiredTokenException", /expired/],
    [
      "a session token that was sent and not signed",
      () =>
        tampered(
          ({ headers }) => {
            headers.authorization = (headers.authorization ?? "").replace(";x-amz-security-token", "");
          },
          { credentials: temporary },
        ),
      "InvalidSignatureException",
      /does not match/,
    ],
    ["a scope with an unknown region", () => client({ region: "atlantis" }), "InvalidSignatureException", /valid region/],
    [
      "a scope of another region than was signed for",
      () => scope("eu-central-1", "eu-west-1"),
      "InvalidSignatureException",
      /does not match/,
    ],
    [
      "a scope of another service",
      () => scope("/bedrock/", "/bedrock-runtime/"),
      "InvalidSignatureException",
      /correct service: 'bedrock'/,
    ],
    ["a scope of another day", () => scope(/\/20\d{6}\//, "/20200101/"), "InvalidSignatureException", /Credential scope/],
    ["no authorization", () => without("authorization"), "MissingAuthenticationTokenException", /Missing/],
    ["no date", () => without("x-amz-date"), "IncompleteSignatureException", /ISO-8601/],
    ["another scheme", () => header("authorization", "Basic eDp5"), "IncompleteSignatureException", /Credential/],
    ["half a signature", () => scope("Signature=", "Sig="), "IncompleteSignatureException", /Signature/],
    [
      "a body that was changed on its way",
      () =>
        tampered((request) => {
          request.body = request.body.replace("Hello", "Hallo");
        }),
      "InvalidSignatureException",
      /does not match/,
    ],
    [
      "a path that was changed on its way",
      () =>
        tampered((request) => {
          request.path = request.path.replace("haiku", "haikw");
        }),
      "InvalidSignatureException",
      /does not match/,
    ],
    [
      "a signed header that was changed on its way",
      () => header("content-type", "text/plain"),
      "InvalidSignatureException",
      /does not match/,
    ],
    ["a signed header that was lost on its way", () => without("content-type"), "InvalidSignatureException", /does not match/],
    [
      "a payload that says it is unsigned",
      () => header("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
      "InvalidSignatureException",
      /does not match/,
    ],
  ];
  for (const [who, make, name, message] of refusals) {
    test(who, async () => {
      const refused = await refusal(invoke(make(), "Hello!"));
      expect([refused.name, refused.status]).toEqual([name, 403]);
      expect(refused.message).toMatch(message);
    });
  }
});

/** Two independent signers made the same signatures. */
describe("the published test vectors", () => {
  const VECTORS = {
    "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/invoke": "9351afbb7ea7b7a9bcf318ac82c318f90d958baa1f5bf3d991a6208fdcb83a05",
    "/model/anthropic.claude-3-5-sonnet-20240620-v1:0/invoke": "a65ec1bee2ee109208275fd30a230bcacdc55feaf92712f0462810a1c6cb7e7c",
  };
  const PAYLOAD = '{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"x"}]}';
  const SHA256 = "fc1ab935672b188556aac361ecfb65ccba38aab07a8b3e3da66b0f70db704449";
  const send = async (path: string, signature: string): Promise<number> => {
    const then = await startSandbox({ now: () => Date.UTC(2026, 0, 1), credentials: { ...sandbox.credentials, aws: [VECTOR] } });
    const sent = exchange({
      url: then.bedrock.url,
      path,
      headers: {
        host: "bedrock-runtime.eu-central-1.amazonaws.com",
        "x-amz-date": "20260101T000000Z",
        "x-amz-content-sha256": SHA256,
        authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
      },
      body: PAYLOAD,
    });
    await sent.over;
    await then.close();
    return sent.received().status;
  };
  for (const [path, signature] of Object.entries(VECTORS)) {
    test(`${path} is accepted with its signature only`, async () => {
      expect(await send(path, signature)).toBe(200);
      expect(await send(path, `${signature.slice(0, -1)}${signature.endsWith("0") ? "1" : "0"}`)).toBe(403);
    });
  }
});
