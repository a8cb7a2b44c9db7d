import type { Picture } from "./picture.ts";

export interface Tool {
  name: string;
  /** JSON Schema of the tool's arguments. */
  schema: unknown;
}

/** A question, the same for all protocols. */
export interface Question {
  /** All system and developer texts, joined. */
  system: string;
  messages: number;
  /** The user's last text. */
  text: string;
  /** The text of a final assistant message; the answer continues it. */
  prefill: string;
  /** `undefined`: a picture whose header could not be read, or one by address. */
  pictures: (Picture | undefined)[];
  documents: number;
  toolResults: string[];
  /** Number of rounds of tool results since the user's last text. */
  rounds: number;
  tools: Tool[];
  /** A name forces that tool. */
  toolChoice: { kind: "auto" | "none" | "any" } | { kind: "tool"; name: string };
  parallelTools: boolean;
  /** Set where an answer in JSON was asked for, with its schema if there is one. */
  json: { schema: unknown } | undefined;
  /** Tokens of thoughts before the answer; they count as output. */
  thinkingTokens: number;
  /** Limit of the answer; undefined where none was given. */
  maxTokens: number | undefined;
  stops: string[];
  inputTokens: number;
}
