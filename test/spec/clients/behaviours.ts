/**
 * What every client library must be able to do through Weir: one list, held against all of them. A client turns a `Task` into calls of its
 * library and tells what the library gave it as an `Observation`; what is right is decided here, and nowhere else.
 */
import { expect } from "bun:test";
import type { CallRecord } from "../../../src/sandbox/calls.ts";

export type DialectName = "anthropic" | "openai";

/** Plain JSON, so that it can be handed to a library of another language. */
export interface Task {
  action: "answer" | "stream" | "tools" | "structured" | "list" | "default" | "responses" | "embeddings" | "count";
  /** The gateway's address, without a slash at the end. */
  url: string;
  key: string;
  model: string;
  prompt: string;
  /** The library's own retries. */
  retries: number;
  /** Send a sampling parameter that no version of the API takes (`UNACCEPTABLE`). */
  unacceptable: boolean;
}

/** Plain JSON too. */
export interface Observation {
  text?: string;
  /** The text of a stream, as the library handed it out. */
  pieces?: string[];
  usage?: { input: number; output: number };
  /** The tool call that the model made. */
  call?: { name: string; arguments: unknown };
  value?: unknown;
  models?: string[];
  /** Vectors, in order. */
  vectors?: number[][];
  /** Tokens that a request was counted to have. */
  counted?: number;
  thrown?: { type: string; status: number | null; message: string };
}

type BehaviourName =
  | "answer"
  | "stream"
  | "tools"
  | "structured"
  | "models"
  | "refused"
  | "rejected"
  | "unauthenticated"
  | "unknown"
  | "limited"
  | "retried"
  | "broken"
  | "default"
  | "responses"
  | "embeddings"
  | "count";

/** The names of the library's own exceptions. */
type Exceptions = Record<"refused" | "rejected" | "unauthenticated" | "unknown" | "limited" | "broken", string>;

/** Those of the vendors' SDKs, in every language. */
export const SDK_EXCEPTIONS: Omit<Exceptions, "broken"> = {
  refused: "BadRequestError",
  rejected: "BadRequestError",
  unauthenticated: "AuthenticationError",
  unknown: "NotFoundError",
  limited: "RateLimitError",
};
export interface Client {
  /** Library and version, as the table shows them. */
  name: string;
  family: string;
  dialect: DialectName;
  exceptions: Exceptions;
  /** What the library has no means for, and why. */
  lacks: Partial<Record<BehaviourName, string>>;
  /** Why this client cannot be run here at all: its tests are then reported as not run. */
  missing?: string | undefined;
  perform(task: Task): Promise<Observation>;
}

/** What came of a task. */
interface Seen {
  client: Client;
  observation: Observation;
  /** What the stand-ins have seen of this task's calls, in order. */
  calls: readonly CallRecord[];
  mark: string;
}

export interface Behaviour {
  name: BehaviourName;
  /** Heading of the column. */
  title: string;
  /** The sentence that the test is called by. */
  sentence: string;
  task(client: Client, mark: string): Partial<Task>;
  verify(seen: Seen): void;
}

/** Every script that a Latin-1 mistake would spoil, and long enough to come in many pieces. */
const SENTENCE = "Grüße aus dem Süden, 世界に五つの猫 and 🐈‍⬛ all in one quiet sentence that takes its time.";

export const MODELS: Record<DialectName, string> = { anthropic: "claude-3-haiku-20240307", openai: "gpt-4o-mini" };
/** Structured answers came later than the models of the first users. */
const NEWER_MODELS: Record<DialectName, string> = { anthropic: "claude-sonnet-4-5", openai: "gpt-4o" };
const ABSENT_MODEL = "no-such-model";

/** Libraries clamp a temperature that is too high, but pass this one on. */
export const UNACCEPTABLE: Record<DialectName, { name: string; value: number }> = {
  anthropic: { name: "top_k", value: -5 },
  openai: { name: "temperature", value: 9 },
};

export const TOOL = {
  name: "get_weather",
  description: "The weather in a city, now.",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false },
  question: "What is the weather in Lisbon now?",
  city: "Lisbon",
  result: "21 degrees and a light wind from the west",
} as const;

/** Why a library that is built on a vendor's own is not held to everything once more. */
export const BENEATH = "tried with the vendor's library beneath it";

/** The schema of a structured answer is in each library's own terms; its fields are these. */
export const STRUCTURE = { name: "weather", question: "Give the weather in Lisbon as data.", city: "Lisbon" } as const;

/** The stand-in repeats what follows the white space; the mark distinguishes this cell's calls from all others. */
const say = (mark: string, ...directives: string[]) =>
  `${[...directives, "echo"].map((directive) => `[sandbox: ${directive}]`).join("")} <${mark}> ${SENTENCE}`;

function expectSaid({ thrown, text, pieces }: Observation, mark: string): void {
  expect(thrown).toBeUndefined();
  expect(text ?? pieces?.join("")).toBe(`<${mark}> ${SENTENCE}`);
}

function expectThrown({ thrown }: Observation, type: string, status: number | undefined, words: RegExp): void {
  expect(thrown).toEqual({ type, status: status ?? thrown?.status ?? null, message: expect.stringMatching(words) });
}

export const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: "answer",
    title: "answer",
    sentence: "gets a whole answer, and what it used",
    task: (_client, mark) => ({ prompt: say(mark) }),
    verify({ observation, mark }) {
      expectSaid(observation, mark);
      expect(observation.usage?.input).toBeGreaterThan(10);
      expect(observation.usage?.output).toBeGreaterThan(10);
    },
  },
  {
    name: "stream",
    title: "stream",
    sentence: "reads a streamed answer piece by piece",
    task: (_client, mark) => ({ action: "stream", prompt: say(mark) }),
    verify({ client, observation, mark }) {
      expectSaid(observation, mark);
      expect(observation.pieces?.length).toBeGreaterThan(3);
      if (observation.usage !== undefined) expect(observation.usage.output).toBeGreaterThan(10);
      else expect(client.dialect).toBe("openai");
    },
  },
  {
    name: "tools",
    title: "tools",
    sentence: "calls a tool and gives its result back",
    task: (_client, mark) => ({ action: "tools", prompt: `${TOOL.question} <${mark}>` }),
    verify({ observation, calls }) {
      expect(observation.thrown).toBeUndefined();
      expect(observation.call).toEqual({ name: TOOL.name, arguments: { city: TOOL.city } });
      expect(observation.text).toContain(TOOL.result);
      expect(calls.map(({ status }) => status)).toEqual([200, 200]);
    },
  },
  {
    name: "structured",
    title: "structured output",
    sentence: "gets an answer that fits a schema",
    task: (client, mark) => ({ action: "structured", model: NEWER_MODELS[client.dialect], prompt: `${STRUCTURE.question} <${mark}>` }),
    verify({ observation }) {
      expect(observation.thrown).toBeUndefined();
      expect(observation.value).toEqual({ city: STRUCTURE.city, degrees: expect.any(Number) });
    },
  },
  {
    name: "models",
    title: "models",
    sentence: "lists the models",
    task: () => ({ action: "list" }),
    verify({ observation, client }) {
      expect(observation.thrown).toBeUndefined();
      expect(observation.models).toContain(MODELS[client.dialect]);
      expect(observation.models).not.toContain(MODELS[client.dialect === "openai" ? "anthropic" : "openai"]);
    },
  },
  {
    name: "refused",
    title: "400 of Weir",
    sentence: "raises its own exception for a request that Weir refuses, with the field's name in it",
    task: (_client, mark) => ({ prompt: say(mark), unacceptable: true }),
    verify({ observation, client, calls }) {
      expectThrown(observation, client.exceptions.refused, 400, new RegExp(UNACCEPTABLE[client.dialect].name));
      expect(calls).toEqual([]);
    },
  },
  {
    name: "rejected",
    title: "400 of the cloud",
    sentence: "raises its own exception for a request that the cloud refuses",
    task: (_client, mark) => ({ prompt: say(mark, "too-long") }),
    verify({ observation, client, calls }) {
      expectThrown(observation, client.exceptions.rejected, 400, /too long|maximum context length/i);
      expect(calls.map(({ status }) => status)).toEqual([400]);
    },
  },
  {
    name: "unauthenticated",
    title: "401",
    sentence: "raises its own exception for an unknown key",
    task: (_client, mark) => ({ prompt: say(mark), key: "weir_unknown" }),
    verify({ observation, client, calls }) {
      expectThrown(observation, client.exceptions.unauthenticated, 401, /key/i);
      expect(calls).toEqual([]);
    },
  },
  {
    name: "unknown",
    title: "404",
    sentence: "raises its own exception for an unknown model, and the message lists those there are",
    task: (_client, mark) => ({ prompt: say(mark), model: ABSENT_MODEL }),
    verify({ observation, client, calls }) {
      expectThrown(observation, client.exceptions.unknown, 404, new RegExp(`${ABSENT_MODEL}.*${MODELS[client.dialect]}`, "s"));
      expect(calls).toEqual([]);
    },
  },
  {
    name: "limited",
    title: "429",
    sentence: "raises its own exception for a 429 when it does not retry",
    task: (_client, mark) => ({ prompt: say(mark, "throttle") }),
    verify({ observation, client, calls }) {
      expectThrown(observation, client.exceptions.limited, 429, /./);
      expect(calls.map(({ status }) => status)).toEqual([429]);
    },
  },
  {
    name: "retried",
    title: "retry",
    sentence: "tries again after a 429 and succeeds",
    task: (_client, mark) => ({ prompt: say(mark, "throttle times=1"), retries: 2 }),
    verify({ observation, calls, mark }) {
      expectSaid(observation, mark);
      expect(calls.map(({ status }) => status)).toEqual([429, 200]);
    },
  },
  {
    name: "broken",
    title: "broken stream",
    sentence: "raises its own exception for a stream that fails in the middle",
    task: (_client, mark) => ({ action: "stream", prompt: say(mark, "exception after=5") }),
    verify({ observation, client, mark }) {
      expectThrown(observation, client.exceptions.broken, undefined, /./);
      const said = observation.pieces?.join("") ?? "";
      expect(said.length).toBeGreaterThan(0);
      expect(said.length).toBeLessThan(SENTENCE.length);
      expect(`<${mark}> ${SENTENCE}`).toStartWith(said);
    },
  },
  {
    name: "default",
    title: "default call",
    sentence: "gets an answer by its default call, which goes to the Responses API",
    task: (_client, mark) => ({ action: "default", prompt: say(mark) }),
    verify({ observation, calls, mark }) {
      expectSaid(observation, mark);
      expect(observation.usage?.output).toBeGreaterThan(10);
      expect(calls.map(({ path }) => path)).toEqual(["/openai/v1/responses"]);
    },
  },
  {
    name: "responses",
    title: "responses",
    sentence: "uses the Responses API: a whole answer, a stream, a tool and a schema",
    task: (client, mark) => ({ action: "responses", model: NEWER_MODELS[client.dialect], prompt: say(mark) }),
    verify({ observation, mark }) {
      expectSaid(observation, mark);
      expect(observation.pieces?.join("")).toBe(`<${mark}> ${SENTENCE}`);
      expect(observation.pieces?.length).toBeGreaterThan(3);
      expect(observation.usage?.output).toBeGreaterThan(10);
      expect(observation.call).toEqual({ name: TOOL.name, arguments: { city: TOOL.city } });
      expect(observation.value).toEqual({ city: STRUCTURE.city, degrees: expect.any(Number) });
    },
  },
  {
    name: "embeddings",
    title: "embeddings",
    sentence: "gets a vector for each text",
    task: (_client, mark) => ({ action: "embeddings", model: "text-embedding-3-small", prompt: `<${mark}>` }),
    verify({ observation, calls }) {
      expect(observation.thrown).toBeUndefined();
      expect(observation.vectors?.map(({ length }) => length)).toEqual([1536, 1536]);
      for (const vector of observation.vectors ?? []) expect(Math.hypot(...vector)).toBeCloseTo(1, 4);
      expect(calls.map(({ path }) => path)).toEqual(["/openai/v1/embeddings"]);
    },
  },
  {
    name: "count",
    title: "token count",
    sentence: "counts the tokens of a request",
    task: (_client, mark) => ({ action: "count", prompt: say(mark) }),
    verify({ observation }) {
      expect(observation.thrown).toBeUndefined();
      expect(observation.counted).toBeGreaterThan(10);
      expect(observation.counted).toBeLessThan(200);
    },
  },
];
