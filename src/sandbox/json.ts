/** Reading a body that may hold anything. */
import { isObject } from "../contract/objects.ts";

export type JsonObject = Record<string, unknown>;

/** The objects of a list; empty where the value is no list. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The value where it is a string, else "". */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Most levels of a value. `JSON.stringify` calls itself for each level, and would overflow the stack at a hundred thousand. */
const MOST_DEPTH = 2_000;

/** @throws SyntaxError for a text that is no JSON, or has more levels than a service takes */
export function parseJson(body: string): unknown {
  const value: unknown = JSON.parse(body);
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) throw new SyntaxError("more levels than a service takes");
    level = level.filter((one) => typeof one === "object" && one !== null).flatMap((one) => Object.values(one as object));
  }
  return value;
}
