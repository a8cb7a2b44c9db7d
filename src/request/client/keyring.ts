import { hash } from "node:crypto";
import { GatewayError } from "../../contract/errors.ts";
import type { HeaderReader } from "../../contract/http.ts";
import type { KnownKey } from "../../directory/entries.ts";
import { KEY_PREFIX } from "../../directory/store.ts";

/** The workspace and the key of a request. */
export type ClientIdentity = Pick<KnownKey, "workspace" | "id" | "keyName" | "bound">;

/** Keys by the SHA-256 of the whole key in lower-case hexadecimal. */
export interface Keys {
  find(sha256: string, nowMs: number): KnownKey | undefined;
  /** Asks the shared store for a key that is not known here; undefined without such a store. Never rejects. */
  findElsewhere(sha256: string): Promise<KnownKey | undefined> | undefined;
}

/**
 * Finds the key of a request. A look-up hashes the text that was sent, and asks a map for the digest. The time of a look-up depends only on the digest. A client
 * cannot choose texts whose digests come closer and closer to a stored one, so the time says nothing about the keys.
 */
export class Keyring {
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /**
   * The identity at once where the key is known here; a promise where another gateway may have made the key just now.
   * @throws GatewayError (or rejects) `unauthenticated` for a missing, unknown or expired key.
   */
  identify(headers: HeaderReader, nowMs: number): ClientIdentity | Promise<ClientIdentity> {
    const keys = presentedKeys(headers);
    const [first] = keys;
    if (first === undefined) {
      throw new GatewayError("unauthenticated", {
        message: "No API key was sent. Send it as 'Authorization: Bearer KEY', 'x-api-key: KEY' or 'api-key: KEY'.",
      });
    }
    return keys.length === 1 ? this.#identifyBy(first, nowMs) : this.#identifyByAny(keys, nowMs);
  }

  #identifyBy(key: string, nowMs: number): ClientIdentity | Promise<ClientIdentity> {
    const digest = hash("sha256", key, "hex");
    const known = this.#keys.find(digest, nowMs);
    if (known !== undefined) return unexpired(known, nowMs);
    const asked = key.startsWith(KEY_PREFIX) ? this.#keys.findElsewhere(digest) : undefined;
    return asked === undefined ? unexpired(undefined, nowMs) : asked.then((found) => unexpired(found, nowMs));
  }

  /**
   * For several headers with different keys: the first key that is known here counts; without such a key, all are tried one after the other, first the ones that
   * look like ours. Some clients send two (Claude Code with a key helper, SDKs that send a placeholder beside the real key).
   */
  #identifyByAny(keys: readonly string[], nowMs: number): ClientIdentity | Promise<ClientIdentity> {
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

  /** @throws GatewayError (rejects) the refusal of the first key, where all are refused. */
  async #identifyInTurn(keys: readonly string[], nowMs: number): Promise<ClientIdentity> {
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

/** The keys in the three headers that clients use, each once. */
function presentedKeys(headers: HeaderReader): string[] {
  const authorization = headers.get("authorization");
  const bearer = authorization !== null && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : "";
  const keys = bearer === "" ? [] : [bearer];
  for (const name of KEY_HEADERS) {
    const key = headers.get(name) ?? "";
    if (key !== "" && !keys.includes(key)) keys.push(key);
  }
  return keys;
}

/** The headers that hold nothing but a key. */
const KEY_HEADERS = ["x-api-key", "api-key"] as const;
