/** What the published description says of a dialect, beside what can be read off its routes and its names of errors. Schemas of requests are those that check them. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { Operation } from "../contract/dialect.ts";

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

/** What a snippet is shown for. */
export interface SnippetTarget {
  /** Without a slash at the end. Shells and string literals may hold it as it is. */
  address: string;
  /** As it stands in a path. */
  region: string;
  model: string;
}

/** How one client is told of the gateway: it can be pasted and runs, with the key in the environment as `WEIR_KEY`. */
export interface Snippet {
  id: string;
  title: string;
  /** A sentence; code stands between backticks. */
  note?: string;
  text: string;
}

export interface DialectDescription {
  title: string;
  description: string;
  error: { name: string; schema: TSchema };
  operations: Readonly<Partial<Record<Operation, DescribedOperation>>>;
  /** The model that all of its examples name but those for embeddings. */
  model: string;
  snippets?(target: SnippetTarget): readonly Snippet[];
}

/** As one word of a shell, whatever stands in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export const text = Type.String();
export const count = Type.Integer({ minimum: 0 });
