/** Makes values that fit a JSON Schema, for the arguments of tool calls and for answers in JSON. */
import { isObject } from "../../contract/objects.ts";
import type { JsonObject } from "../json.ts";

/** More levels than any real schema has. A recursive `$ref` ends here. */
const MAX_DEPTH = 12;

/**
 * A value that fits a JSON Schema: with every declared property, the first of several choices, and the smallest value that the bounds allow.
 * A string without a format is `word`, so that a tool call shows what the question was about. `pattern` is ignored.
 */
export function exampleOf(schema: unknown, word: string): unknown {
  return example(schema, word, isObject(schema) ? schema : {}, "value", 0);
}

function example(schema: unknown, word: string, root: JsonObject, name: string, depth: number): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH) return null;
  if (typeof schema.$ref === "string") return example(resolve(root, schema.$ref), word, root, name, depth + 1);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return example(choices[0], word, root, name, depth + 1);
  if (Array.isArray(schema.allOf)) return example(merged(schema, schema.allOf, root), word, root, name, depth + 1);
  switch (kindOf(schema)) {
    case "object":
      return objectExample(schema, word, root, depth);
    case "array":
      return arrayExample(schema, word, root, name, depth);
    case "integer":
      return Math.ceil(numberExample(schema, 1));
    case "number":
      return numberExample(schema, 0.5);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return stringExample(schema, word, name);
  }
}

function kindOf(schema: JsonObject): unknown {
  if (Array.isArray(schema.type)) return schema.type[0];
  if (schema.type !== undefined) return schema.type;
  if (isObject(schema.properties)) return "object";
  return "items" in schema ? "array" : "string";
}

function resolve(root: JsonObject, pointer: string): unknown {
  let found: unknown = root;
  for (const step of pointer.split("/").slice(1))
    found = isObject(found) ? found[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  return found;
}

function merged(schema: JsonObject, parts: unknown[], root: JsonObject): JsonObject {
  const { allOf: _, ...whole } = schema;
  const properties: JsonObject = isObject(schema.properties) ? { ...schema.properties } : {};
  for (const each of parts) {
    const part = isObject(each) && typeof each.$ref === "string" ? resolve(root, each.$ref) : each;
    if (!isObject(part)) continue;
    Object.assign(whole, part);
    if (isObject(part.properties)) Object.assign(properties, part.properties);
  }
  return Object.keys(properties).length > 0 ? { ...whole, properties } : whole;
}

function objectExample(schema: JsonObject, word: string, root: JsonObject, depth: number): JsonObject {
  const made: JsonObject = {};
  const properties = isObject(schema.properties) ? schema.properties : {};
  for (const [name, property] of Object.entries(properties)) made[name] = example(property, word, root, name, depth + 1);
  if (Array.isArray(schema.required))
    for (const name of schema.required) if (typeof name === "string" && !(name in made)) made[name] = word;
  return made;
}

function arrayExample(schema: JsonObject, word: string, root: JsonObject, name: string, depth: number): unknown[] {
  const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems.map((item) => example(item, word, root, name, depth + 1)) : [];
  const wanted = Math.max(typeof schema.minItems === "number" ? schema.minItems : 0, schema.maxItems === 0 || prefix.length > 0 ? 0 : 1);
  while (prefix.length < wanted) prefix.push(example(schema.items ?? { type: "string" }, word, root, name, depth + 1));
  return prefix;
}

function numberExample(schema: JsonObject, usual: number): number {
  const step = typeof schema.multipleOf === "number" ? schema.multipleOf : 0;
  let value = step || usual;
  if (typeof schema.maximum === "number") value = Math.min(value, schema.maximum);
  if (typeof schema.exclusiveMaximum === "number" && value >= schema.exclusiveMaximum) value = schema.exclusiveMaximum - (step || 1);
  if (typeof schema.minimum === "number") value = Math.max(value, schema.minimum);
  if (typeof schema.exclusiveMinimum === "number" && value <= schema.exclusiveMinimum) value = schema.exclusiveMinimum + (step || 1);
  return step ? Math.ceil(value / step) * step : value;
}

const FORMATS: Record<string, string> = {
  date: "2026-11-01",
  "date-time": "2026-11-01T12:00:00Z",
  time: "12:00:00Z",
  email: "someone@example.com",
  uri: "https://example.com/",
  uuid: "00000000-0000-4000-8000-000000000000",
  ipv4: "192.0.2.1",
  hostname: "example.com",
};

function stringExample(schema: JsonObject, word: string, name: string): string {
  const known = typeof schema.format === "string" ? FORMATS[schema.format] : undefined;
  if (known !== undefined) return known;
  const least = typeof schema.minLength === "number" ? schema.minLength : 0;
  const most = typeof schema.maxLength === "number" ? schema.maxLength : Number.POSITIVE_INFINITY;
  return (word || name).padEnd(least, "x").slice(0, most);
}
