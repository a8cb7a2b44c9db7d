import { isObject } from "../../src/contract/objects.ts";
import { JSON_PUNCTUATION, type Json, type JsonObject, type Tally } from "./walk.ts";

/** Keywords whose value is a schema, or a list of schemas. */
const SCHEMAS: ReadonlySet<string> = new Set(
  "items prefixItems additionalItems contains anyOf oneOf allOf not if then else additionalProperties unevaluatedProperties unevaluatedItems propertyNames".split(
    " ",
  ),
);
/** Keywords whose value has schemas by names that the client chose. */
const NAMED: ReadonlySet<string> = new Set(["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"]);

/** A keyword in JSON, quotes and colon included. */
const KEYWORD_TOKENS = 3;
/** Models see a text in place of the JSON, and the prices are for that text. The sum is never less than this part of the JSON itself. */
const LEAST_PART = 0.6;
const LONGEST_TYPE = 16;

/**
 * A JSON Schema as models see it. Names, descriptions, enumerations and every keyword without a price are text. The type of an ordinary property, and
 * whether it is required, are in a fixed price for each property. Never recurses.
 */
export function addSchema(tally: Tally, root: Json | undefined): void {
  const { overhead } = tally.profile;
  const { count } = tally;
  const open: (Json | undefined)[] = [root];
  let first = true;
  let text = 0;
  let prices = 0;
  /** The parts of the JSON that have a price. */
  let priced = 0;
  while (open.length > 0) {
    const schema = open.pop();
    if (Array.isArray(schema)) {
      priced += schema.length;
      for (const item of schema) open.push(item);
      continue;
    }
    if (!isObject(schema)) {
      text += tally.looseTokens(schema);
      continue;
    }
    priced += 1;
    for (const key in schema) {
      const value = schema[key] as Json;
      if (key === "description" && typeof value === "string") {
        text += count(value);
        prices += overhead.description;
      } else if (key === "enum" && Array.isArray(value)) {
        text += tally.looseTokens(value);
        prices += overhead.enumeration;
      } else if (NAMED.has(key) && isObject(value)) {
        for (const name in value) {
          text += count(name);
          prices += first ? overhead.firstProperty : overhead.furtherProperty;
          priced += JSON_PUNCTUATION;
          first = false;
          open.push(value[name]);
        }
      } else if (SCHEMAS.has(key) && typeof value === "object") open.push(value);
      else if (SCHEMAS.has(key) && typeof value === "boolean") priced += 1;
      else if (key === "type" && typeof value === "string" && value.length <= LONGEST_TYPE) priced += 1;
      else if (key === "required" && Array.isArray(value)) {
        for (const name of value) {
          const tokens = tally.looseTokens(name) + 1;
          if (isOwnProperty(schema, name)) priced += tokens;
          else text += tokens;
        }
      } else {
        text += count(key) + JSON_PUNCTUATION + tally.looseTokens(value);
        continue;
      }
      priced += KEYWORD_TOKENS;
    }
  }
  tally.other += prices;
  tally.text += text + Math.max(0, LEAST_PART * (text + priced) - text - prices);
}

function isOwnProperty({ properties }: JsonObject, name: Json): boolean {
  return typeof name === "string" && isObject(properties) && Object.hasOwn(properties, name);
}

/** The description of a tool or a format. */
export function addDescription(tally: Tally, value: Json): void {
  tally.addText(value);
  if (typeof value === "string") tally.other += tally.profile.overhead.description;
}
