import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type AwsIdentity, createSigner } from "../../workers/wire/sigv4.ts";

const IDENTITY: AwsIdentity = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const BODY = '{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"x"}]}';
const signer = createSigner("eu-central-1", "bedrock");

function sign(identity: AwsIdentity, separator: string, body = BODY) {
  return signer.sign(
    identity,
    {
      method: "POST",
      host: "bedrock-runtime.eu-central-1.amazonaws.com",
      path: `/model/anthropic.claude-3-5-sonnet-20240620-v1${separator}0/invoke`,
      headers: { "content-type": "application/json" },
      body,
    },
    Date.UTC(2026, 0, 1),
  );
}

// wire.md §1.3, on which two independent signers agree
test.each([
  ["%3A", "9351afbb7ea7b7a9bcf318ac82c318f90d958baa1f5bf3d991a6208fdcb83a05"],
  [":", "a65ec1bee2ee109208275fd30a230bcacdc55feaf92712f0462810a1c6cb7e7c"],
])("a path with %s is signed as the vector says", async (separator, signature) => {
  const headers = await sign(IDENTITY, separator);
  expect(headers["x-amz-content-sha256"]).toBe("fc1ab935672b188556aac361ecfb65ccba38aab07a8b3e3da66b0f70db704449");
  expect(headers["x-amz-date"]).toBe("20260101T000000Z");
  expect(headers.authorization).toBe(
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/bedrock/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
  );
});

test("a session token is sent and signed, and changes the signature", async () => {
  const headers = await sign({ ...IDENTITY, sessionToken: "token" }, ":");
  expect(headers["x-amz-security-token"]).toBe("token");
  expect(headers.authorization).toContain("x-amz-date;x-amz-security-token, Signature=");
  expect((await sign(IDENTITY, ":")).authorization).not.toBe(headers.authorization);
});

test("the digest is of the bytes that a body stands for", async () => {
  const characters = "Grüße 你";
  const headers = await sign(IDENTITY, ":", Buffer.from(characters).toString("latin1"));
  expect(headers["x-amz-content-sha256"]).toBe(createHash("sha256").update(characters, "utf8").digest("hex"));
});

test("another identity is signed for from its first request on", async () => {
  const first = await sign(IDENTITY, ":");
  const other = await sign({ accessKeyId: "OTHER", secretAccessKey: "secret" }, ":");
  expect(other.authorization).toContain("Credential=OTHER/");
  expect((await sign(IDENTITY, ":")).authorization).toBe(first.authorization);
});
