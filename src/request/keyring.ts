import { hash } from "node:crypto";
import { GatewayError } from "../contract/errors.ts";
import type { HeaderReader } from "../contract/http.ts";
import type { KnownKey } from "../directory/entries.ts";
import { KEY_PREFIX } from "../directory/store.ts";

/** The workspace and key of a request. */
export type Identity = Pick<KnownKey, "workspace" | "id" | "keyName" | "bound">;

/** Keys by the SHA-256 of the whole key in lower-case hexadecimal. */
export interface Keys {
  find(sha256: string, nowMs: number): KnownKey | undefined;
  /** Looks elsewhere for a key that is not known here; undefined without such a place. Never rejects. */
  findElsewhere(sha256: string): Promise<KnownKey | undefined> | undefined;
}

/**
 * Finds out which key a request has. A look-up hashes what was sent and asks a map for the digest: how long that takes depends on the digest alone, which
 * a client cannot steer towards a stored one, so its time says nothing about the keys.
 */
export class Keyring {
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /**
   * At once for a key that is known here; a promise for one that may have been made elsewhere this moment.
   * @throws GatewayError (or rejects) `unauthenticated` for a missing, unknown or expired key.
   */
  identify(headers: HeaderReader, nowMs: number): Identity | Promise<Identity> {
    const [first, ...others] = presentedKeys(headers);
    if (first === undefined) {
      throw new GatewayError("unauthenticated", {
        message: "No API key was sent. Send it as 'Authorization: Bearer KEY', 'x-api-key: KEY' or 'api-key: KEY'.",
      });
    }
    return others.length === 0 ? this.#identifyBy(first, nowMs) : this.#identifyByAny([first, ...others], nowMs);
  }

  #identifyBy(key: string, nowMs: number): Identity | Promise<Identity> {
    const digest = hash("sha256", key, "hex");
    const known = this.#keys.find(digest, nowMs);
    if (known !== undefined) return unexpired(known, nowMs);
    const asked = key.startsWith(KEY_PREFIX) ? this.#keys.findElsewhere(digest) : undefined;
    return asked === undefined ? unexpired(undefined, nowMs) : asked.then((found) => unexpired(found, nowMs));
  }

  /**
   * Several headers hold a key: one that is good here decides; else those that look like ours, one after the other. Some clients send two
   * (Claude Code with a key helper, SDKs that send a placeholder beside the real key).
   */
  #identifyByAny(keys: readonly string[], nowMs: number): Identity | Promise<Identity> {
    for (const key of keys) {
      const known = this.#keys.find(hash("sha256", key, "hex"), nowMs);
      if (known !== undefined && known.expiresAtMs > nowMs) return known;
    }
    const ours = (key: string) => Number(key.startsWith(KEY_PREFIX));
    return this.#identifyInTurn(
      [...keys].sort((one, other) => ours(other) - ours(one)),
      nowMs,
    );
  }

  /** @throws GatewayError (rejects) what the first of them was refused for, where all are. */
  async #identifyInTurn(keys: readonly string[], nowMs: number): Promise<Identity> {
    let refusal: unknown;
    for (const key of keys) {
      try {
        return await this.#identifyBy(key, nowMs);
      } catch (thrown) {
        refusal ??= thrown;
      }
    }
    throw refusal;
  }
}

function unexpired(key: KnownKey | undefined, nowMs: number): KnownKey {
  if (key === undefined) throw new GatewayError("unauthenticated", { message: "The API key is not valid." });
  if (key.expiresAtMs <= nowMs) throw new GatewayError("unauthenticated", { message: "The API key has expired." });
  return key;
}

/** The different keys in the three headers that clients use. */
function presentedKeys(headers: HeaderReader): string[] {
  const authorization = headers.get("authorization");
  const bearer = authorization !== null && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : "";
  const keys = [bearer];
  for (const name of ["x-api-key", "api-key"]) {
    const key = headers.get(name) ?? "";
    if (!keys.includes(key)) keys.push(key);
  }
  return keys.filter((key) => key !== "");
}
