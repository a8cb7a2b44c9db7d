/** Reads a request body by its schema, and says in words what is wrong with it: the first mistake that its sender can correct. */
import type { TSchema } from "@sinclair/typebox";
import { type ByteText, decodeUtf8 } from "../contract/bytes.ts";
import { Checker } from "../contract/checker.ts";
import { isObject } from "../contract/objects.ts";
import { clipped } from "../contract/text.ts";
import { parseObject, refusal, refuseDuplicates } from "./body.ts";
import { EXPECTED, TOLERATED } from "./schema.ts";

type Path = readonly string[];

/** How a dialect writes paths: `messages.0.role` or `messages[0].role`. */
export type Notation = (path: Path) => string;

interface Problem {
  path: Path;
  /** `must be …`, to be read after the path. */
  text: string;
}

/** The properties by which the branches of a union of objects differ. */
const DISCRIMINATORS = ["type", "role"];
const SHOWN_CHARACTERS = 40;
const SHOWN_PATH_SEGMENTS = 12;

/**
 * The parsed body of a request that its schema allows. Whether it is one JSON object is checked first, then whether a member appears twice, then the schema.
 * @param single - names of members that must not appear twice: those that Weir reads or edits
 * @param notation - how the dialect writes the path of a field in a message
 * @throws GatewayError `invalid_request` that names the field
 */
export function readRequest<Request>(body: ByteText, checker: Checker, single: ReadonlySet<string>, notation: Notation): Request {
  const value = parseObject(body);
  refuseDuplicates(body, single);
  if (checker.fits(value)) return value as Request;
  const { path, text } = explain(checker.schema, value, []);
  throw refusal("invalid_request", notation(path) || "body", text);
}

export const dotted: Notation = (path) => path.map(cut).slice(0, SHOWN_PATH_SEGMENTS).join(".");

export const bracketed: Notation = (path) =>
  path
    .map(cut)
    .slice(0, SHOWN_PATH_SEGMENTS)
    .map((part, index) => (/^[0-9]+$/.test(part) ? `[${part}]` : `${index === 0 ? "" : "."}${part}`))
    .join("");

/**
 * Goes down to the first value that does not fit. TypeBox's own search for errors checks everything before it by an interpreter: a mistake in the last of many
 * messages cost ten times as much as a good body.
 */
function explain(schema: TSchema, value: unknown, path: Path): Problem {
  const inner = misfit(schema, value);
  if (inner !== undefined) return explain(inner.schema, inner.value, inner.key === undefined ? path : [...path, inner.key]);

  const variants: readonly TSchema[] = schema.anyOf ?? [];
  const discriminator = isObject(value) ? wrongDiscriminator(variants, value) : undefined;
  if (discriminator !== undefined && isObject(value)) {
    const choices: TSchema[] = variants.flatMap((variant) => variant.properties?.[discriminator] ?? []);
    const anyOther = choices.find((choice) => choice.type === "string" && choice.const === undefined);
    return {
      path: [...path, discriminator],
      text: mismatch(anyOther ?? { anyOf: choices }, value[discriminator]),
    };
  }
  return { path, text: mismatch(schema, value) };
}

/** The part of a value that does not fit, with its schema. Without a key it is the same value, with the branch of the union that it was meant to be. */
interface Misfit {
  schema: TSchema;
  value: unknown;
  key: string | undefined;
}

/** Undefined where the value itself is wrong, not a part of it. */
function misfit(schema: TSchema, value: unknown): Misfit | undefined {
  if (schema.anyOf !== undefined) {
    const variant = (schema.anyOf as readonly TSchema[]).find((one) => accepts(one, value));
    return variant && { schema: variant, value, key: undefined };
  }
  if (schema.type === "array" && Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? Number.POSITIVE_INFINITY)) return undefined;
    const index = value.findIndex(unfit(schema.items));
    return index < 0 ? undefined : { schema: schema.items, value: value[index], key: String(index) };
  }
  return schema.type === "object" && isObject(value) ? misfitMember(schema, value) : undefined;
}

function misfitMember(schema: TSchema, value: Record<string, unknown>): Misfit | undefined {
  const properties: Readonly<Record<string, TSchema>> = schema.properties ?? {};
  const required: readonly string[] = schema.required ?? [];
  // A missing member is reported before a wrong one.
  for (const name of required) {
    const property = properties[name];
    if (property !== undefined && !Object.hasOwn(value, name)) return { schema: property, value: undefined, key: name };
  }
  for (const [name, property] of Object.entries(properties)) {
    if (Object.hasOwn(value, name) && unfit(property)(value[name])) return { schema: property, value: value[name], key: name };
  }
  // A map with free names has one schema for all its values.
  for (const property of Object.values<TSchema>(schema.patternProperties ?? {})) {
    const isUnfit = unfit(property);
    for (const name in value) if (isUnfit(value[name])) return { schema: property, value: value[name], key: name };
  }
  return undefined;
}

const compiled = new WeakMap<TSchema, (value: unknown) => boolean>();

/** Whether a value does not fit. Only schemas on the way to a mistake are compiled and kept. */
function unfit(schema: TSchema): (value: unknown) => boolean {
  let isUnfit = compiled.get(schema);
  if (isUnfit === undefined) {
    const checker = new Checker(schema);
    isUnfit = (value) => !checker.fits(value);
    compiled.set(schema, isUnfit);
  }
  return isUnfit;
}

/** The property whose value no branch takes; else a property that the value has; else the first of the branches. */
function wrongDiscriminator(variants: readonly TSchema[], value: Record<string, unknown>): string | undefined {
  const known = DISCRIMINATORS.filter((name) => variants.some((variant) => variant.properties?.[name]));
  const takes = (name: string) => variants.some(({ properties }) => properties?.[name] && !unfit(properties[name])(value[name]));
  const present = known.filter((name) => value[name] !== undefined);
  return present.find((name) => !takes(name)) ?? present[0] ?? known[0];
}

/** Whether `value` was meant to be this branch of a union: the same JSON type, and for objects the same discriminator. */
function accepts(variant: TSchema, value: unknown): boolean {
  if (Array.isArray(value)) return variant.type === "array";
  if (isObject(value)) {
    if (variant.type !== "object") return false;
    return DISCRIMINATORS.every((name) => {
      const property: TSchema | undefined = variant.properties?.[name];
      if (property === undefined) return true;
      return value[name] === undefined ? !variant.required?.includes(name) : !unfit(property)(value[name]);
    });
  }
  if (variant.const !== undefined) return false;
  if (typeof value === "number") return variant.type === "number" || variant.type === "integer";
  return variant.type === typeof value;
}

function mismatch(schema: Partial<TSchema>, value: unknown): string {
  const expected = expectation(schema);
  if (value === undefined) return `is required and must be ${expected}`;
  const found = shown(schema, value);
  return `must be ${expected}${found === undefined ? "" : `, not ${found}`}`;
}

function expectation(schema: Partial<TSchema>): string {
  if (typeof schema[EXPECTED] === "string") return schema[EXPECTED];
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const variants: readonly TSchema[] | undefined = schema.anyOf;
  if (variants !== undefined) {
    const offered = variants.filter((variant) => variant.type !== "null" && variant[TOLERATED] !== true).map(expectation);
    const distinct = [...new Set(offered)];
    return [distinct.slice(0, -1).join(", "), ...distinct.slice(-1)].filter((part) => part !== "").join(" or ");
  }
  switch (schema.type) {
    case "integer":
      return `an integer${range(schema)}`;
    case "number":
      return `a number${range(schema)}`;
    case "boolean":
      return "true or false";
    case "array":
      return schema.maxItems === undefined ? "an array" : `an array of at most ${schema.maxItems} items`;
    case "object":
      return "an object";
    case "string":
      if (schema.maxLength !== undefined) return `a string of 1 to ${schema.maxLength} characters`;
      return schema.minLength === undefined ? "a string" : "a non-empty string";
    default:
      return "something else";
  }
}

function range({ minimum, maximum }: Partial<TSchema>): string {
  if (minimum === undefined) return "";
  if (maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  return minimum === 0 ? ", 0 or more" : `, at least ${minimum}`;
}

/** Shows a string only where the field takes one of a few words or a name; any other string may be a prompt. Undefined where there is nothing to add. */
function shown(schema: Partial<TSchema>, value: unknown): string | undefined {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return schema.type !== "array" ? "an array" : value.length === 0 ? "an empty one" : `${value.length}`;
  if (typeof value !== "string") return "an object";
  const words: readonly Partial<TSchema>[] = schema.anyOf ?? [schema];
  if (value === "" || words.some((word) => word.const !== undefined || word.pattern !== undefined)) return JSON.stringify(cut(value));
  return words.some((word) => word.type === "string") ? undefined : "a string";
}

function cut(text: string): string {
  return clipped(readable(text.slice(0, SHOWN_CHARACTERS * 4)), SHOWN_CHARACTERS);
}

/** A string that `JSON.parse` made of byte text, as characters for a person. */
function readable(text: string): string {
  return /[^\0-\u00ff]/.test(text) ? text : decodeUtf8(text);
}
