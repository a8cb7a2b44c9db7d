import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Observation } from "./behaviours.ts";

export const ROOT = join(import.meta.dir, "../../..");

/** @param name as `package.json` calls it; many are aliases */
export function installedVersion(name: string, folder = ROOT): string {
  return (JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
}

/** By what name a library exports the class of an error that it threw: what its user would catch. */
export function nameOfError(library: object, error: unknown): string {
  const exported = Object.entries(library).find(
    ([, value]) => typeof value === "function" && error instanceof Error && error.constructor === value,
  );
  return exported?.[0] ?? (error instanceof Error ? `${error.name} (not exported)` : typeof error);
}

export function thrown(error: unknown, type: string): NonNullable<Observation["thrown"]> {
  const { status, statusCode, cause } = error as { status?: number; statusCode?: number; cause?: { status?: number } };
  return { type, status: status ?? statusCode ?? cause?.status ?? null, message: error instanceof Error ? error.message : String(error) };
}
