/** Words of the request schemas. The schemas are plain JSON Schema, so that the same ones can be published. */
import { type TObject, type TProperties, type TSchema, Type } from "@sinclair/typebox";

/** Keyword of a schema: its own name for what it takes, where the words from its other keywords would be unclear. */
export const EXPECTED = "x-expected";
/** Keyword of one branch of a union: allowed, but not offered in messages (LangChain's -1). */
export const TOLERATED = "x-tolerated";

/** LangChain's "not set" for `top_p` and `top_k`; removed before the request goes to the upstream. */
export const unset = Type.Literal(-1, { [TOLERATED]: true });

export const text = Type.String();
export const count = Type.Integer({ minimum: 0 });

/** The name of a model in a request. */
export const modelName = Type.String({ minLength: 1, maxLength: 256 });

/** A union without unions inside it, so that a value's branch is found in one step. */
export function either(...schemas: TSchema[]): TSchema {
  return Type.Union(schemas.flatMap((schema): TSchema[] => schema.anyOf ?? [schema]));
}

export function nullable(schema: TSchema): TSchema {
  return either(schema, Type.Null());
}

/** A member that may be missing or null. */
export function optional(schema: TSchema) {
  return Type.Optional(nullable(schema));
}

export function range(minimum: number, maximum: number): TSchema {
  return Type.Number({ minimum, maximum });
}

export function words(...all: string[]): TSchema {
  return Type.Union(all.map((word) => Type.Literal(word)));
}

/** One of several kinds of object that differ in their `type`. */
export function typed(type: string, properties: TProperties): TObject {
  return Type.Object({ type: Type.Literal(type), ...properties });
}

/** These kinds, and any other: kinds that Weir does not know are passed through for the upstream to check. */
export function openUnion(kinds: readonly TObject[]): TSchema {
  const known = kinds.flatMap((kind) => kind.properties.type?.const ?? []);
  const other = Type.Object({ type: Type.String({ pattern: `^(?!(?:${known.join("|")})$)`, [EXPECTED]: "a string" }) });
  return Type.Union([...kinds, other]);
}
