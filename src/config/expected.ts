/** What a schema expects and what was found, in words: for the file, and for the admin API, whose bodies have the same settings. */
import type { TSchema } from "@sinclair/typebox";
import type { ValueError } from "@sinclair/typebox/errors";
import { didYouMean, type Path } from "./problems.ts";

/** Where a mistake is. TypeBox writes it as a JSON pointer. */
export function pathOf({ path }: ValueError): string[] {
  return path
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * The message for a name that an object does not have.
 * @param what - what the names of the object are: `a setting`
 */
export function unknownName(schema: TSchema, path: Path, what: string): string {
  if (schema.patternProperties !== undefined) return `expected ${schema.title ?? "another name"}`;
  const known = Object.keys(schema.properties);
  return `is not ${what}${didYouMean(path.at(-1) ?? "", known)}; expected one of ${known.join(", ")}`;
}

/** The texts that a union takes. */
export function constants(schema: TSchema): string[] {
  return ((schema.anyOf as TSchema[] | undefined) ?? [])
    .map((candidate) => candidate.const)
    .filter((constant) => typeof constant === "string");
}

/** What a schema expects, in words. */
export function expectation(schema: TSchema): string {
  if (typeof schema.title === "string") return schema.title;
  if (Array.isArray(schema.anyOf))
    return constants(schema)
      .map((choice) => JSON.stringify(choice))
      .join(" or ");
  const number = schema.type === "integer" ? "a whole number" : "a number";
  switch (schema.type) {
    case "integer":
    case "number":
      if (schema.maximum !== undefined) return `${number} from ${schema.minimum ?? 0} to ${schema.maximum}`;
      return schema.minimum === undefined ? number : `${number} of at least ${schema.minimum}`;
    case "boolean":
      return "true or false";
    case "array":
      return schema.minItems === 1 ? "a list of at least one" : "a list";
    case "object":
      return "a map";
    default:
      return schema.const === undefined ? "text" : JSON.stringify(schema.const);
  }
}

/** The kind of a text, a list or a map. The value is never shown, because a secret may be in any place. */
export function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return value === "" ? "empty text" : "other text";
}
