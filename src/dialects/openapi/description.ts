/** What the published description says of a dialect, beside what can be read off its routes and its names of errors. Schemas of requests are those that check them. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { Operation } from "../../contract/dialect.ts";

/** A JSON body: `name` is what the schema is called in the document. */
export interface Body {
  name: string;
  schema: TSchema;
  example: unknown;
}

export interface Parameter {
  name: string;
  in: "query" | "header" | "path";
  description: string;
  schema: TSchema;
}

export interface DescribedOperation {
  summary: string;
  description: string;
  parameters?: readonly Parameter[];
  /** Its example is a request that works against the sandbox. */
  request?: Body;
  answer: Body;
  /** A stream as it looks on the wire, where the request may ask for one. */
  stream?: string;
}

export interface DialectDescription {
  title: string;
  description: string;
  error: { name: string; schema: TSchema };
  operations: Readonly<Partial<Record<Operation, DescribedOperation>>>;
}

export const text = Type.String();
export const count = Type.Integer({ minimum: 0 });
