import { Buffer } from "node:buffer";
import { tokenValidity, type Validity } from "../validity.ts";

/** The beginning of a Bedrock API key that is valid for 12 hours at most; a signed address in base64 follows. Source: AWS's token generators. */
const SHORT_TERM = "bedrock-api-key-";
/** 20261129T130000Z, as AWS's signatures write a moment. */
const SIGNED_AT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/**
 * How long a Bedrock API key is valid: a short-term key says so, a long-term key does not. A short-term key ends earlier where the credentials that signed it
 * end earlier, which the key does not show.
 */
export function apiKeyValidity(token: string): Validity | undefined {
  if (!token.startsWith(SHORT_TERM)) return tokenValidity(token);
  const address = Buffer.from(token.slice(SHORT_TERM.length), "base64").toString();
  const query = new URLSearchParams(address.slice(address.indexOf("?") + 1));
  const [, year, month, day, hour, minute, second] = SIGNED_AT.exec(query.get("X-Amz-Date") ?? "") ?? [];
  const issuedAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = Number(query.get("X-Amz-Expires"));
  return Number.isFinite(issuedAtMs) && seconds > 0 ? { issuedAtMs, expiresAtMs: issuedAtMs + seconds * 1000 } : undefined;
}

/**
 * How long the keys in the environment are valid. AWS's own chain takes them before all others, unless a profile is named. They are not renewed; credentials that
 * the chain finds anywhere else are renewed while Weir runs.
 */
export function environmentValidity(environment: Readonly<Record<string, string | undefined>>): Validity | undefined {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_CREDENTIAL_EXPIRATION = "" } = environment;
  if (AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  const expiresAtMs = Date.parse(AWS_CREDENTIAL_EXPIRATION);
  return Number.isFinite(expiresAtMs) ? { issuedAtMs: undefined, expiresAtMs } : undefined;
}
