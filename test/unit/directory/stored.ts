/** Keys and workspaces in the form in which a store gets them. */
import { createHash } from "node:crypto";
import { keyId, type StoredKey, type StoredWorkspace } from "../../../src/directory/store.ts";

export const NO_LIMITS = { rpm: undefined, tpm: undefined, countRpm: undefined, cacheReadWeight: undefined, reserveOutput: undefined };

export function storedKey(name: string, change: Partial<StoredKey> = {}): StoredKey {
  const sha256 = createHash("sha256").update(name).digest("hex");
  const times = { createdAtMs: 1_790_000_000_000, expiresAtMs: undefined, lastUsedAtMs: undefined };
  return { id: keyId(sha256), sha256, name, workspace: "acme", ...times, ...change };
}

export function storedWorkspace(name: string, change: Partial<StoredWorkspace> = {}): StoredWorkspace {
  return { name, defaultRegion: "eu", limits: NO_LIMITS, models: {}, createdAtMs: 1_790_000_000_000, ...change };
}
