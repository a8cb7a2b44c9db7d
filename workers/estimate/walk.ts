/** Steps that both dialects' walks share. A body has passed its dialect's check, but what lies deeper than the check looks may be anything. */
import type { Overhead } from "./profile.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Adds up one request. */
export interface Tally {
  /** Tokens of text, before the profile's scale. */
  text: number;
  /** Tokens of everything else: frames, tools' frames, pictures, documents. */
  other: number;
}

export type CountText = (text: string) => number;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/** Fields that are no prompt: marks, ids and what the upstream encrypted for itself. */
const SILENT = new Set([
  "type",
  "id",
  "cache_control",
  "signature",
  "encrypted_content",
  "encrypted_index",
  "data",
  "file_id",
  "status",
  "index",
]);

/** Counts all strings and numbers of a value that nobody knows better, and its keys where they are the client's own. Never recurses: depth is the client's choice. */
export function countLoose(root: Json | undefined, count: CountText, keys: boolean): number {
  let sum = 0;
  const open: (Json | undefined)[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === "string") sum += count(value);
    else if (typeof value === "number") sum += count(String(value));
    else if (typeof value === "boolean") sum += 1;
    else if (Array.isArray(value)) for (const item of value) open.push(item);
    else if (isObject(value)) {
      for (const key in value) {
        if (keys) sum += count(key) + JSON_PUNCTUATION;
        else if (SILENT.has(key)) continue;
        open.push(value[key]);
      }
    }
  }
  return sum;
}

/** Quotes, colon and comma around a key and its value, in JSON that a model reads: about two tokens. */
const JSON_PUNCTUATION = 2;

/** A JSON Schema as models are shown it: names, descriptions and enumerations are text, the rest is a fixed price per property. */
export function countSchema(root: Json | undefined, count: CountText, overhead: Overhead, tally: Tally): void {
  const open: (Json | undefined)[] = [root];
  let first = true;
  while (open.length > 0) {
    const schema = open.pop();
    if (Array.isArray(schema)) for (const item of schema) open.push(item);
    if (!isObject(schema)) continue;
    if (typeof schema.description === "string") {
      tally.text += count(schema.description);
      tally.other += overhead.description;
    }
    if (Array.isArray(schema.enum)) {
      tally.text += countLoose(schema.enum, count, false);
      tally.other += overhead.enumeration;
    }
    for (const key of ["properties", "$defs", "definitions"]) {
      const members = schema[key];
      if (!isObject(members)) continue;
      for (const name in members) {
        tally.text += count(name);
        tally.other += first ? overhead.firstProperty : overhead.furtherProperty;
        first = false;
        open.push(members[name]);
      }
    }
    for (const key of ["items", "anyOf", "oneOf", "allOf", "additionalProperties", "prefixItems"]) {
      if (schema[key] !== undefined) open.push(schema[key]);
    }
  }
}
