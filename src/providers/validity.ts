import { Buffer } from "node:buffer";

/** From when until when a credential is valid, in milliseconds since 1970. */
export interface Validity {
  /** Undefined where it does not say when it was made. */
  readonly issuedAtMs: number | undefined;
  readonly expiresAtMs: number;
}

/** How long a JSON Web Token is valid, as it says itself; its signature is not checked. Undefined for a token without an end, and for a text that is no such token. */
export function tokenValidity(token: string): Validity | undefined {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  const claims = parsed(Buffer.from(payload, "base64url").toString());
  const expiresAtMs = momentMs(claims?.exp);
  return expiresAtMs === undefined ? undefined : { issuedAtMs: momentMs(claims?.iat) ?? momentMs(claims?.nbf), expiresAtMs };
}

/** A moment of a token: seconds since 1970. */
function momentMs(claim: unknown): number | undefined {
  return typeof claim === "number" && Number.isFinite(claim) && claim > 0 ? claim * 1000 : undefined;
}

function parsed(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
