import { Buffer } from "node:buffer";
import { tokenValidity, type Validity } from "../validity.ts";

/** Begins a Bedrock API key that lives 12 hours at most; what follows is a signed address in base64. Source: AWS's token generators. */
const SHORT_TERM = "bedrock-api-key-";
/** 20261129T130000Z, as AWS's signatures write a moment. */
const SIGNED_AT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/**
 * How long a Bedrock API key is good: a short-term one carries it, a long-term one does not. A short-term key ends sooner where the credentials end
 * that it was signed with, which cannot be seen.
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
 * How long the keys of the environment are good, which AWS's own chain takes before all others unless a profile is named. They are not renewed; what the
 * chain finds anywhere else is renewed as long as Weir runs.
 */
export function environmentValidity(environment: Readonly<Record<string, string | undefined>>): Validity | undefined {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_CREDENTIAL_EXPIRATION = "" } = environment;
  if (AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  const expiresAtMs = Date.parse(AWS_CREDENTIAL_EXPIRATION);
  return Number.isFinite(expiresAtMs) ? { issuedAtMs: undefined, expiresAtMs } : undefined;
}
