import type { Picture } from "./picture.ts";

export interface Tool {
  name: string;
  /** JSON Schema of its arguments. */
  schema: unknown;
}

/** What was asked, whatever protocol it came by. */
export interface Question {
  /** System and developer texts, joined. */
  system: string;
  messages: number;
  /** What the user last said. */
  text: string;
  /** What a final assistant message already says; the answer goes on from there. */
  prefill: string;
  /** `undefined` stands for a picture whose header could not be read, or one by address. */
  pictures: (Picture | undefined)[];
  documents: number;
  toolResults: string[];
  /** How often tools have answered since the user last spoke. */
  rounds: number;
  tools: Tool[];
  /** A name forces that tool. */
  toolChoice: { kind: "auto" | "none" | "any" } | { kind: "tool"; name: string };
  parallelTools: boolean;
  /** An answer in JSON was asked for, with this schema if any. */
  json: { schema: unknown } | undefined;
  /** Tokens of thought before the answer; they count as output. */
  thinkingTokens: number;
  /** Undefined: no limit was given. */
  maxTokens: number | undefined;
  stops: string[];
  inputTokens: number;
}
