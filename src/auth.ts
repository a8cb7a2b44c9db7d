import { createHash } from "node:crypto";
import type { Workspace } from "./contract/config.ts";
import { GatewayError } from "./contract/errors.ts";

/** Who is calling. */
export interface Identity {
  workspace: Workspace;
  /** The key's name, for the access log. */
  keyName: string;
}

interface KnownKey extends Identity {
  expiresAtMs: number;
}

/** What every key begins with, so that one left in a repository is found by secret scanners. */
const PREFIX = "weir_";

/**
 * The keys of all workspaces, by the SHA-256 of the whole key. A lookup hashes what was sent and asks a map for the digest: how long that
 * takes depends on the digest alone, which nobody can steer towards a stored one, so it tells nothing about the keys.
 */
export class Keyring {
  readonly #keys = new Map<string, KnownKey>();

  constructor(workspaces: Iterable<Workspace>) {
    for (const workspace of workspaces) {
      for (const key of workspace.keys) {
        this.#keys.set(key.sha256, { workspace, keyName: key.name, expiresAtMs: key.expiresAtMs ?? Number.POSITIVE_INFINITY });
      }
    }
  }

  get size(): number {
    return this.#keys.size;
  }

  /** @throws GatewayError `unauthenticated` for a missing, unknown or expired key. */
  identify(headers: Headers, nowMs: number): Identity {
    const key = presentedKey(headers);
    if (key === undefined) {
      throw new GatewayError("unauthenticated", {
        message: "No API key was sent. Send it as 'Authorization: Bearer KEY', 'x-api-key: KEY' or 'api-key: KEY'.",
      });
    }
    const known = this.#keys.get(createHash("sha256").update(key).digest("hex"));
    if (known === undefined) throw new GatewayError("unauthenticated", { message: "The API key is not valid." });
    if (known.expiresAtMs <= nowMs) throw new GatewayError("unauthenticated", { message: "The API key has expired." });
    return known;
  }
}

/**
 * The key among the three headers that clients use. Some send two of them (Claude Code with a key helper, SDKs whose default placeholder
 * key stands beside the real one), so one that looks like ours goes before one that does not.
 */
function presentedKey(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  const bearer = authorization !== null && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : undefined;
  if (bearer?.startsWith(PREFIX)) return bearer;
  const apiKey = headers.get("x-api-key") ?? headers.get("api-key") ?? undefined;
  return apiKey || bearer || undefined;
}
