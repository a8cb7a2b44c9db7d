/**
 * Checks AWS Signature Version 4 as the service does. AWS's own package computes the signature again, from the request as it came and the headers that
 * the client lists as signed. Then the two signatures are compared.
 */
import { Buffer } from "node:buffer";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Arrival, AwsCredential } from "../state.ts";
import { Refusal } from "./errors.ts";

const SERVICE = "bedrock";
const MAX_SKEW_MS = 5 * 60_000;
const SCHEME = "AWS4-HMAC-SHA256";
const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

type Source = string | ArrayBuffer | ArrayBufferView;

function bytesOf(data: Source): string | Uint8Array {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

/** SHA-256 and its HMAC by the runtime: the package's own code in JavaScript needs four times as long. */
class Sha256 {
  readonly #hash: { update(data: string | Uint8Array): unknown; digest(): Uint8Array };

  constructor(secret?: Source) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }

  update(data: Source): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

/** The contents of the Authorization header. */
interface Claim {
  accessKeyId: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
}

/** Keeps a signer for each access key and region, because a signer remembers the signing keys that it has derived. */
export class SignatureCheck {
  readonly #signers = new Map<string, SignatureV4>();

  /**
   * @returns the AWS region of the signature
   * @throws Refusal 403 with the service's message
   */
  async check(arrival: Arrival, credentials: readonly AwsCredential[], now: number): Promise<string> {
    const { headers } = arrival;
    const claim = read(headers.authorization ?? "");
    const credential = credentials.find((each) => each.accessKeyId === claim.accessKeyId);
    if (credential === undefined) throw unrecognized();
    checkToken(credential, claim, headers["x-amz-security-token"], now);
    checkScope(claim);
    const signingDate = checkDate(claim, headers["x-amz-date"], now);

    const bodyHash = createHash("sha256").update(arrival.body).digest("hex");
    // Outside S3 this header is optional. Where it is given, it must be the hash of the body: only S3 allows UNSIGNED-PAYLOAD.
    if ((headers["x-amz-content-sha256"] ?? bodyHash) !== bodyHash) throw invalid(MISMATCH);
    const signed: Record<string, string> = {};
    for (const name of claim.signedHeaders) {
      const value = headers[name];
      if (value === undefined) throw invalid(MISMATCH);
      signed[name] = value;
    }
    const again = await this.#signer(credential, claim.region).sign(
      {
        method: arrival.method,
        protocol: "http:",
        hostname: "",
        path: arrival.path,
        query: queryOf(arrival.query),
        headers: signed,
        body: arrival.body,
      },
      { signingDate, signableHeaders: new Set(claim.signedHeaders) },
    );
    const expected = /Signature=([0-9a-f]{64})$/.exec(again.headers.authorization ?? "")?.[1] ?? "";
    const given = Buffer.from(claim.signature);
    if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected))) throw invalid(MISMATCH);
    return claim.region;
  }

  #signer(credential: AwsCredential, region: string): SignatureV4 {
    const key = `${credential.accessKeyId} ${credential.secretAccessKey} ${region}`;
    let signer = this.#signers.get(key);
    if (signer === undefined) {
      const { accessKeyId, secretAccessKey, sessionToken } = credential;
      signer = new SignatureV4({
        service: SERVICE,
        region,
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
        sha256: Sha256,
        applyChecksum: false,
      });
      this.#signers.set(key, signer);
    }
    return signer;
  }
}

function invalid(message: string): Refusal {
  return new Refusal("InvalidSignatureException", message);
}

function unrecognized(): Refusal {
  return new Refusal("UnrecognizedClientException", "The security token included in the request is invalid.");
}

function read(authorization: string): Claim {
  if (authorization === "") throw new Refusal("MissingAuthenticationTokenException", "Missing Authentication Token");
  const fields = new Map<string, string>();
  for (const part of authorization.slice(SCHEME.length).split(",")) {
    const equals = part.indexOf("=");
    fields.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const [accessKeyId, date, region, service, terminator, ...rest] = (fields.get("Credential") ?? "").split("/");
  const signedHeaders = (fields.get("SignedHeaders") ?? "").split(";").filter(Boolean);
  const signature = fields.get("Signature") ?? "";
  if (
    !authorization.startsWith(`${SCHEME} `) ||
    !accessKeyId ||
    !date ||
    !region ||
    !service ||
    terminator !== "aws4_request" ||
    rest.length > 0 ||
    signedHeaders.length === 0 ||
    signature === ""
  ) {
    throw new Refusal(
      "IncompleteSignatureException",
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.",
    );
  }
  if (!signedHeaders.includes("host")) throw invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  return { accessKeyId, date, region, service, signedHeaders, signature };
}

function checkToken(credential: AwsCredential, claim: Claim, token: string | undefined, now: number): void {
  if (credential.sessionToken === undefined) {
    if (token !== undefined) throw unrecognized();
    return;
  }
  if (token !== credential.sessionToken) throw unrecognized();
  if (!claim.signedHeaders.includes("x-amz-security-token")) throw invalid(MISMATCH);
  if (credential.expiresAtMs !== undefined && now >= credential.expiresAtMs) {
    throw new Refusal("ExpiredTokenException", "The security token included in the request is expired");
  }
}

function checkScope({ region, service }: Claim): void {
  if (service !== SERVICE) throw invalid(`Credential should be scoped to correct service: '${SERVICE}'.`);
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(region)) throw invalid("Credential should be scoped to a valid region.");
}

/** Checks that the signed date differs from the sandbox's time by at most five minutes. */
function checkDate(claim: Claim, header: string | undefined, now: number): Date {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(header ?? "") ?? [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (header === undefined || Number.isNaN(at))
    throw new Refusal("IncompleteSignatureException", `Date must be in ISO-8601 'basic format'. Got '${header ?? ""}'.`);
  const ours = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  if (claim.date !== header.slice(0, 8))
    throw invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${claim.date}' != '${header.slice(0, 8)}'.`,
    );
  if (at < now - MAX_SKEW_MS) throw invalid(`Signature expired: ${header} is now earlier than ${ours} (${ours} - 5 min.)`);
  if (at > now + MAX_SKEW_MS) throw invalid(`Signature not yet current: ${header} is still later than ${ours} (${ours} + 5 min.)`);
  return new Date(at);
}

function queryOf(query: string): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = {};
  if (query === "") return found;
  for (const [name, value] of new URLSearchParams(query)) {
    const before = found[name];
    found[name] = before === undefined ? value : [before, value].flat();
  }
  return found;
}
