/** What the estimate must know of a model. */
import type { PictureRule } from "./pictures.ts";
import type { Tokenizer } from "./text.ts";

/** Tokens that a request costs beside its text. */
export interface Overhead {
  /** Once, for the frame of the prompt and the start of the answer. */
  base: number;
  perMessage: number;
  /** Once, where there are tools: with `tool_choice` absent, auto or none, and with a tool forced. */
  tools: { free: number; forced: number };
  perTool: number;
  firstProperty: number;
  furtherProperty: number;
  description: number;
  enumeration: number;
}

export interface Profile {
  tokenizer: Tokenizer;
  /** Real tokens of text for each one that the tokenizer's table makes. */
  scale: number;
  picture: PictureRule;
  overhead: Overhead;
}
