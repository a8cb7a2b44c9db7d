/** What the published description says about a dialect beyond its routes and error names. Its schemas are the ones that check requests. */
import type { TSchema } from "@sinclair/typebox";
import type { Operation } from "../contract/dialect.ts";

/** A JSON body; `name`: the schema's name in the document. */
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
  /** The body of a request; its example works against the sandbox. */
  request?: Body;
  answer: Body;
  /** An example of a stream's text, where the request may ask for a stream. */
  stream?: string;
}

/** The gateway, region and model that a snippet is for. */
export interface SnippetTarget {
  /** Address without a slash at the end. Shells and string literals can hold it without escapes. */
  address: string;
  /** The region as it is written in a path. */
  region: string;
  model: string;
}

/** How one client is connected to the gateway: text that can be pasted and run, with the key in the variable `WEIR_KEY`. */
export interface Snippet {
  id: string;
  title: string;
  /** One sentence; code is between backticks. */
  note?: string;
  text: string;
}

export interface DialectDescription {
  title: string;
  description: string;
  error: { name: string; schema: TSchema };
  operations: Readonly<Partial<Record<Operation, DescribedOperation>>>;
  /** The model in all of the examples, except those for embeddings. */
  model: string;
  snippets?(target: SnippetTarget): readonly Snippet[];
}

/** Quotes any text as one word of a shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
