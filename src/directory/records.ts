/** The JSON form of what is stored, the same in the key file and in Redis. */
import { Type } from "@sinclair/typebox";
import { Checker } from "../contract/checker.ts";
import type { StoredKey, StoredWorkspace } from "./store.ts";

export const keyRecord = Type.Object({
  id: Type.String(),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
  name: Type.String(),
  workspace: Type.String(),
  createdAtMs: Type.Number(),
  expiresAtMs: Type.Optional(Type.Number()),
  lastUsedAtMs: Type.Optional(Type.Number()),
  replacedBy: Type.Optional(Type.String()),
  maxConcurrent: Type.Optional(Type.Integer({ minimum: 1 })),
});

const limits = Type.Object({
  rpm: Type.Optional(Type.Integer({ minimum: 0 })),
  tpm: Type.Optional(Type.Integer({ minimum: 0 })),
  countRpm: Type.Optional(Type.Integer({ minimum: 0 })),
  cacheReadWeight: Type.Optional(Type.Number()),
  reserveOutput: Type.Optional(Type.Union([Type.Literal("expected"), Type.Literal("max_tokens")])),
});

export const workspaceRecord = Type.Object({
  name: Type.String(),
  defaultRegion: Type.Optional(Type.String()),
  maxConcurrent: Type.Optional(Type.Integer({ minimum: 1 })),
  limits,
  models: Type.Record(Type.String(), Type.Object({ limits })),
  createdAtMs: Type.Number(),
});

/** Undefined for text that is no record of this kind. */
type Reader<Kind> = (text: string) => Kind | undefined;

// The schema has said what each field is; a field that is absent reads as undefined.
export const readKey: Reader<StoredKey> = reader<StoredKey>(new Checker(keyRecord));
export const readWorkspace: Reader<StoredWorkspace> = reader<StoredWorkspace>(new Checker(workspaceRecord));

function reader<Kind>(check: Checker): Reader<Kind> {
  return (text) => {
    try {
      const value: unknown = JSON.parse(text);
      return check.fits(value) ? (value as Kind) : undefined;
    } catch {
      return undefined;
    }
  };
}
