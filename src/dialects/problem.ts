/** What is wrong with a request body, in words: the first TypeBox error that means something to the person who sent it. */
import type { TSchema } from "@sinclair/typebox";
import type { TypeCheck } from "@sinclair/typebox/compiler";
import type { ValueError } from "@sinclair/typebox/errors";
import { Value } from "@sinclair/typebox/value";
import { decodeUtf8 } from "../contract/bytes.ts";
import { type ErrorKind, GatewayError } from "../contract/errors.ts";
import { EXPECTED, TOLERATED } from "./schema.ts";

type Path = readonly string[];

/** How a dialect writes a path: `messages.0.role` or `messages[0].role`. */
export type Notation = (path: Path) => string;

export interface Problem {
  path: Path;
  value: unknown;
  /** `must be …`, to follow the path. */
  text: string;
}

/** The properties by which unions of objects tell their branches apart. */
const DISCRIMINATORS = ["type", "role"];
const SHOWN_CHARACTERS = 40;
const SHOWN_PATH_SEGMENTS = 12;

export function refusal(kind: ErrorKind, where: string, text: string): GatewayError {
  return new GatewayError(kind, { message: `${where}: ${text}`, param: where });
}

/** For a value that `checker` has refused. */
export function firstProblem(checker: TypeCheck<TSchema>, value: unknown): Problem {
  const error = checker.Errors(value).First();
  return error === undefined ? { path: [], value, text: "is not valid" } : explain(error);
}

export const dotted: Notation = (path) => path.map(cut).slice(0, SHOWN_PATH_SEGMENTS).join(".");

export const bracketed: Notation = (path) =>
  path
    .map(cut)
    .slice(0, SHOWN_PATH_SEGMENTS)
    .map((part, index) => (/^[0-9]+$/.test(part) ? `[${part}]` : `${index === 0 ? "" : "."}${part}`))
    .join("");

function explain(error: ValueError): Problem {
  const path = error.path.split("/").slice(1).map(unescapePointer);
  const { schema, value } = error;
  const variants: readonly TSchema[] = schema.anyOf ?? [];
  const branch = variants.findIndex((variant) => accepts(variant, value));
  const inner = error.errors[branch]?.First();
  if (inner !== undefined) return explain(inner);

  const discriminator = isObject(value) ? wrongDiscriminator(variants, value) : undefined;
  if (discriminator !== undefined && isObject(value)) {
    const choices: TSchema[] = variants.flatMap((variant) => variant.properties?.[discriminator] ?? []);
    const anyOther = choices.find((choice) => choice.type === "string" && choice.const === undefined);
    return {
      path: [...path, discriminator],
      value: value[discriminator],
      text: mismatch(anyOther ?? { anyOf: choices }, value[discriminator]),
    };
  }
  return { path, value, text: mismatch(schema, value) };
}

/** The one whose value no branch takes, else one that is there, else the first that the branches have. */
function wrongDiscriminator(variants: readonly TSchema[], value: Record<string, unknown>): string | undefined {
  const known = DISCRIMINATORS.filter((name) => variants.some((variant) => variant.properties?.[name]));
  const takes = (name: string) => variants.some(({ properties }) => properties?.[name] && Value.Check(properties[name], value[name]));
  const present = known.filter((name) => value[name] !== undefined);
  return present.find((name) => !takes(name)) ?? present[0] ?? known[0];
}

/** Whether `value` meant to be this branch of a union: the same JSON type, and for objects the same discriminator. */
function accepts(variant: TSchema, value: unknown): boolean {
  if (Array.isArray(value)) return variant.type === "array";
  if (isObject(value)) {
    if (variant.type !== "object") return false;
    return DISCRIMINATORS.every((name) => {
      const property: TSchema | undefined = variant.properties?.[name];
      if (property === undefined) return true;
      return value[name] === undefined ? !variant.required?.includes(name) : Value.Check(property, value[name]);
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

/** Strings are shown only where the field takes one of a few words or a name; any other may be a prompt. Undefined where there is nothing to add. */
function shown(schema: Partial<TSchema>, value: unknown): string | undefined {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return schema.type !== "array" ? "an array" : value.length === 0 ? "an empty one" : `${value.length}`;
  if (typeof value !== "string") return "an object";
  const words: readonly Partial<TSchema>[] = schema.anyOf ?? [schema];
  if (value === "" || words.some((word) => word.const !== undefined || word.pattern !== undefined)) return JSON.stringify(cut(value));
  return words.some((word) => word.type === "string") ? undefined : "a string";
}

function cut(text: string): string {
  const characters = Array.from(readable(text.slice(0, SHOWN_CHARACTERS * 4)));
  return characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS).join("")}…` : characters.join("");
}

/** What `JSON.parse` made of byte text, for a person's eyes. */
function readable(text: string): string {
  return /[^\0-\u00ff]/.test(text) ? text : decodeUtf8(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unescapePointer(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
