import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import { type AwsIdentity, createSigner as newSigner, type UnsignedRequest } from "../../../../workers/wire/sigv4.ts";
import { amzDateMs, sdkRequest } from "../../../support/fixtures/aws-sdk.ts";
import { headersSent } from "../providers/upstream.ts";
import { random } from "./http-answers.ts";

const KEYS: AwsIdentity = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const HOST = "bedrock-runtime.eu-central-1.amazonaws.com";
const NEW_YEAR_MS = Date.UTC(2026, 0, 1);
const TEMPORARY: AwsIdentity = { ...KEYS, sessionToken: "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJ==" };

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Uint8Array, data: string) => createHmac("sha256", key).update(data).digest();

/** A signer whose answer is one object of all headers. */
function createSigner(region: string, service: string) {
  const signer = newSigner(region, service);
  return { sign: (...what: Parameters<typeof signer.sign>) => headersSent(signer.sign(...what)) };
}

/** Outside S3 a path is signed without empty and dotted segments. */
function normal(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

/** The Authorization header by the letter of AWS's description of Signature Version 4, without any of their code. */
function byTheBook(identity: AwsIdentity, request: UnsignedRequest, headers: Record<string, string>): string {
  const names = Object.keys(headers)
    .filter((name) => name !== "authorization")
    .sort();
  const canonicalPath = encodeURIComponent(normal(request.path))
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonical = [
    request.method,
    canonicalPath,
    "",
    ...names.map((name) => `${name}:${(headers[name] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    sha256(Buffer.from(request.body, "latin1")),
  ].join("\n");
  const moment = headers["x-amz-date"] ?? "";
  const scope = `${moment.slice(0, 8)}/eu-central-1/bedrock/aws4_request`;
  const key = hmac(hmac(hmac(hmac(`AWS4${identity.secretAccessKey}`, moment.slice(0, 8)), "eu-central-1"), "bedrock"), "aws4_request");
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${moment}\n${scope}\n${sha256(canonical)}`).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${identity.accessKeyId}/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
}

const signatureOf = (headers: Record<string, string>) => /Signature=([0-9a-f]{64})$/.exec(headers.authorization ?? "")?.[1];
const signedHeadersOf = (headers: Record<string, string>) => /SignedHeaders=([^,]*)/.exec(headers.authorization ?? "")?.[1]?.split(";");

describe("the vectors of two independent signers", () => {
  const body = '{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"x"}]}';

  test.each([
    ["%3A", "9351afbb7ea7b7a9bcf318ac82c318f90d958baa1f5bf3d991a6208fdcb83a05"],
    [":", "a65ec1bee2ee109208275fd30a230bcacdc55feaf92712f0462810a1c6cb7e7c"],
  ])("with %j in the path", async (colon, signature) => {
    const headers = createSigner("eu-central-1", "bedrock").sign(
      KEYS,
      {
        method: "POST",
        host: HOST,
        path: `/model/anthropic.claude-3-5-sonnet-20240620-v1${colon}0/invoke`,
        headers: { "content-type": "application/json" },
        body,
      },
      NEW_YEAR_MS,
    );
    expect(headers["x-amz-content-sha256"]).toBe("fc1ab935672b188556aac361ecfb65ccba38aab07a8b3e3da66b0f70db704449");
    expect(signedHeadersOf(headers)).toEqual(["content-type", "host", "x-amz-content-sha256", "x-amz-date"]);
    expect(signatureOf(headers)).toBe(signature);
    expect(headers.host).toBe(HOST);
  });
});

describe("a signature", () => {
  const CHARACTERS = [
    "a",
    "Z",
    "0",
    "-",
    ".",
    "_",
    "~",
    "%3A",
    "%2F",
    "%20",
    "%C3%BC",
    "%27",
    ":",
    "/",
    "!",
    "'",
    "(",
    ")",
    "*",
    "+",
    "=",
    "@",
    "$",
  ];
  const next = random(5);
  const text = (length: number) => Array.from({ length }, () => CHARACTERS[next(CHARACTERS.length)] ?? "").join("");
  const bytes = (length: number) => String.fromCharCode(...Array.from({ length }, () => next(256)));

  test("agrees with the description of the algorithm on random paths, headers and bytes", async () => {
    const signer = createSigner("eu-central-1", "bedrock");
    for (let round = 0; round < 300; round++) {
      const identity = round % 3 === 0 ? TEMPORARY : KEYS;
      const request: UnsignedRequest = {
        method: "POST",
        host: round % 2 === 0 ? HOST : "127.0.0.1:8443",
        path: `/model/x${text(next(30))}x/invoke`,
        headers: { "content-type": "application/json", accept: "application/json", "x-amzn-bedrock-trace": "a  b" },
        body: bytes(next(300)),
      };
      const headers = signer.sign(identity, request, NEW_YEAR_MS + round * 3_600_000 * 7);
      expect([request.path, headers.authorization]).toEqual([request.path, byTheBook(identity, request, headers)]);
    }
  });

  test("agrees with what AWS's own SDK sends for random models and bodies", async () => {
    const signer = createSigner("eu-central-1", "bedrock");
    for (let round = 0; round < 30; round++) {
      const identity = round % 2 === 0 ? TEMPORARY : KEYS;
      const body = bytes(1 + next(300));
      const call = { modelId: `m${text(next(12))}`, body: Buffer.from(body, "latin1"), stream: round % 3 === 0 };
      const sent = await sdkRequest(identity, "eu-central-1", call);
      const { authorization, host, ...others } = sent.headers;
      const unsigned = ["user-agent", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
      const headers = Object.fromEntries(Object.entries(others).filter(([name]) => !unsigned.includes(name)));
      const ours = signer.sign(
        identity,
        { method: "POST", host: host ?? "", path: sent.path, headers, body },
        amzDateMs(sent.headers["x-amz-date"] ?? ""),
      );
      expect([call.modelId, ours.authorization]).toEqual([call.modelId, authorization]);
    }
  });

  test("of temporary credentials covers the session token, which is sent", async () => {
    const request: UnsignedRequest = { method: "POST", host: HOST, path: "/model/m/invoke", headers: {}, body: "{}" };
    const headers = createSigner("eu-central-1", "bedrock").sign(TEMPORARY, request, NEW_YEAR_MS);
    expect(headers["x-amz-security-token"]).toBe(TEMPORARY.sessionToken);
    expect(signedHeadersOf(headers)).toContain("x-amz-security-token");
  });

  test("is of the host, the body and the moment that are given, also where the headers are the same object, and of bodies of any size", async () => {
    const signer = createSigner("eu-central-1", "bedrock");
    const shared = { "content-type": "application/json", "x-amzn-bedrock-accept": "application/json" };
    for (const [round, length] of [10, 65_536, 65_537, 10, 200_000].entries()) {
      const host = round % 2 === 0 ? HOST : "127.0.0.1:8443";
      const request: UnsignedRequest = { method: "POST", host, path: "/model/m/invoke", headers: shared, body: bytes(length) };
      const headers = signer.sign(round < 3 ? KEYS : TEMPORARY, request, NEW_YEAR_MS + round * 1_500);
      expect(headers.authorization).toBe(byTheBook(round < 3 ? KEYS : TEMPORARY, request, headers));
    }
  });

  test("is made with the identity that is given, also right after another", async () => {
    const signer = createSigner("eu-central-1", "bedrock");
    const request: UnsignedRequest = { method: "POST", host: HOST, path: "/model/m/invoke", headers: {}, body: "{}" };
    const others: AwsIdentity[] = [TEMPORARY, KEYS, { ...KEYS, secretAccessKey: "another" }, KEYS];
    const signed = others.map((identity) => signer.sign(identity, request, NEW_YEAR_MS));
    expect(signed.map(({ authorization }) => authorization)).toEqual(
      signed.map((headers, index) => byTheBook(others[index] ?? KEYS, request, headers)),
    );
  });

  test("leaves what requests have in common in one frozen list, whatever other signers and bodies come between", () => {
    const [one, other] = [newSigner("eu-central-1", "bedrock"), newSigner("us-east-1", "bedrock")];
    const shared = { "content-type": "application/json" };
    const request = (host: string, body: string): UnsignedRequest => ({
      method: "POST",
      host,
      path: "/model/m/invoke",
      headers: shared,
      body,
    });
    const first = one.sign(KEYS, request(HOST, "{}"), NEW_YEAR_MS);
    other.sign(KEYS, request("127.0.0.1:8443", "{}"), NEW_YEAR_MS);
    const second = one.sign(KEYS, request(HOST, "[]"), NEW_YEAR_MS);
    expect(first.headers).toEqual(["host", HOST, "content-type", "application/json"]);
    expect(Object.isFrozen(first.headers)).toBe(true);
    expect(second.headers).toBe(first.headers);
    expect(one.sign(TEMPORARY, request(HOST, "{}"), NEW_YEAR_MS).headers).toContain(TEMPORARY.sessionToken ?? "");
  });
});
