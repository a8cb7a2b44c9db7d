/** Credentials of an upstream that must not come back out of it: some services, and what stands before them, repeat what they were sent. */
import type { Upstream } from "../../src/contract/config.ts";

const IS_SECRET = /(?:key|secret|token|keyid)$/i;
/** Shorter ones would hide words that have nothing to do with them. */
const SHORTEST = 8;
const HIDDEN = "***";

/** The configured credentials of an upstream as they stand inside JSON, longest first. */
export function secretsOf(upstream: Upstream): readonly string[] {
  const credentials = upstream.settings.credentials;
  if (typeof credentials !== "object" || credentials === null) return [];
  return Object.entries(credentials)
    .filter((entry): entry is [string, string] => IS_SECRET.test(entry[0]) && typeof entry[1] === "string")
    .map(([, secret]) => JSON.stringify(secret).slice(1, -1))
    .filter((secret) => secret.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
}

/** JSON without the secrets. */
export function hide(secrets: readonly string[], json: string): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), json);
}
