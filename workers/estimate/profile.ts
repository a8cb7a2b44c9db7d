/** What the estimate must know about a model. */
import type { PictureRule } from "./pictures.ts";
import type { Tokenizer } from "./text.ts";

/** Tokens that a request costs beside its text. */
export interface Overhead {
  /** Tokens around the prompt and before the answer, once for each request. */
  base: number;
  perMessage: number;
  /** Tokens for tools at all, once for each request: `free` with `tool_choice` absent, auto or none, `forced` with a forced tool. */
  tools: { free: number; forced: number };
  perTool: number;
  firstProperty: number;
  furtherProperty: number;
  description: number;
  enumeration: number;
}

export interface Profile {
  tokenizer: Tokenizer;
  /** Real tokens of text for each token that the tokenizer's table makes. */
  scale: number;
  picture: PictureRule;
  overhead: Overhead;
}
