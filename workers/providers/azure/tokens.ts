/** What the ways to get an access token have in common. */
import { Buffer } from "node:buffer";
import type { Loaded } from "../renewed.ts";

export interface Tokens {
  /** The current token. Rejects with GatewayError `misconfigured`. */
  get(): string | Promise<string>;
  /** To be called where the upstream has refused the token. */
  suspect(): void;
}

/** Most bytes of a token, and of an answer with a token: they have a few KiB. */
export const MOST_BYTES = 64 * 1024;

/** Part of a token's life after which the next one is fetched, while this one is still used. */
const RENEW_AT = 0.8;

/** A token with its times. `askedMs`: milliseconds since 1970 when it was asked for; `lifeMs`: how long it is valid from then on. */
export function loadedToken(value: string, askedMs: number, lifeMs: number): Loaded<string> {
  return { value, expiresAtMs: askedMs + lifeMs, renewAtMs: askedMs + lifeMs * RENEW_AT };
}

/**
 * All bytes of an answer. They are counted after decompression: the other side is not always a trusted server, and a small answer may unpack to a huge one.
 * @throws Error where there are too many
 */
export async function answerBytes(answer: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop ends the rest of the answer.
  for await (const part of answer) {
    length += part.length;
    if (length > MOST_BYTES) throw new Error(`an answer of more than ${MOST_BYTES / 1024} KiB`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
