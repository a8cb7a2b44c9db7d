/** A question in the form that all stand-ins have: each one reads its own protocol into it. */
import type { Picture } from "./picture.ts";

export interface Tool {
  name: string;
  /** The JSON Schema of its arguments. */
  schema: unknown;
}

export interface Question {
  /** All system and developer texts, joined. */
  system: string;
  /** How many messages the conversation has. */
  messages: number;
  /** The user's last text. */
  text: string;
  /** The text of a final assistant message; the answer continues it. */
  prefill: string;
  /** `undefined` for a picture whose header could not be read, and for one that is given by its URL. */
  pictures: (Picture | undefined)[];
  documents: number;
  toolResults: string[];
  /** How many rounds of tool results came after the user's last text. */
  rounds: number;
  tools: Tool[];
  /** `any` forces one of the tools, a name forces that tool. */
  toolChoice: { kind: "auto" | "none" | "any" } | { kind: "tool"; name: string };
  parallelTools: boolean;
  /** Set where the answer must be JSON; `schema` is undefined where no schema is given. */
  json: { schema: unknown } | undefined;
  /** Tokens of the thoughts before the answer. They count as output. */
  thinkingTokens: number;
  /** The most tokens that the answer may have; undefined where the request sets no limit. */
  maxTokens: number | undefined;
  stops: string[];
  inputTokens: number;
}
