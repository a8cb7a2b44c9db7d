/** The kinds of values that settings have, and what names may be made of. */
import { type TObject, type TProperties, type TSchema, Type } from "@sinclair/typebox";
import { DURATION } from "../units.ts";

/** Names become parts of paths, Redis keys and metric labels. */
export const NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
/** Names of models have the characters that vendors use in them too. */
export const MODEL_NAME = "^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$";
export const NAME_TITLE = "a name of letters, digits, dots, underscores and hyphens, at most 64 of them";
export const MODEL_NAME_TITLE = "a name of letters, digits and any of . _ - : @ /, at most 128 of them";

export function map<Properties extends TProperties>(
  properties: Properties,
  description: string,
  more: { default?: object } = {},
): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false, description, ...more });
}

export function named<Value extends TSchema>(value: Value, description: string, pattern: string = NAME, title: string = NAME_TITLE) {
  return Type.Record(Type.String({ pattern }), value, { additionalProperties: false, description, title });
}

export function duration(description: string, more: { default?: string } = {}) {
  return Type.String({ title: "a duration such as 50ms, 5s, 2m or 1h", pattern: DURATION, description, ...more });
}

export function oneOf<Names extends readonly string[]>(
  names: readonly [...Names],
  description: string,
  more: { default?: Names[number] } = {},
) {
  return Type.Unsafe<Names[number]>(
    Type.Union(
      names.map((name) => Type.Literal(name)),
      { description, ...more },
    ),
  );
}
