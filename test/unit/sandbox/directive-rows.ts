/** What each directive does: one call for each row, on both stand-ins where the row does not name one. */
import { expect } from "bun:test";
import { isObject } from "../../../src/contract/objects.ts";
import { BLOCKED } from "../../../src/sandbox/bedrock/controls.ts";
import { type JsonObject, objects } from "../../../src/sandbox/json.ts";
import type { Seen, StandInName } from "./stand-ins.ts";

const SCHEMA = { type: "object", properties: { city: { type: "string" } } };
const NAMES = ["get_weather", "get_time"];
const TOOLS: Record<StandInName, JsonObject[]> = {
  bedrock: NAMES.map((name) => ({ name, input_schema: SCHEMA })),
  azure: NAMES.map((name) => ({ type: "function", function: { name, parameters: SCHEMA } })),
};

/** What a row checks: the answer, the times at which its bytes came, and the stand-in that gave it. */
interface Witness extends Seen {
  standIn: StandInName;
  isStream: boolean;
  readAtMs: number[];
  readBytes: number[];
  tookMs: number;
}

export interface Row {
  says: string;
  how?: "stream" | "whole";
  on?: StandInName;
  model?: string;
  fields?(standIn: StandInName): JsonObject;
  /** Set where the answer never ends: it is checked as soon as this is true. */
  until?(seen: Seen): boolean;
  look(witness: Witness): void;
}

const isLength = (standIn: StandInName) => (standIn === "bedrock" ? "max_tokens" : "length");
const withTools =
  (fields: JsonObject = {}) =>
  (standIn: StandInName) => ({ tools: TOOLS[standIn], ...fields });
const both = (row: Omit<Row, "how">): Row[] => [
  { ...row, how: "whole" },
  { ...row, how: "stream" },
];
const nothing = ({ status, text }: Witness): void => {
  expect([status, text]).toEqual([0, ""]);
};
const refused =
  (status: number, bedrock: string, azure: string) =>
  ({ standIn, status: given, headers, json }: Witness): void => {
    expect(given).toBe(status);
    if (standIn === "bedrock") expect(headers["x-amzn-errortype"]).toStartWith(`${bedrock}:`);
    else expect(isObject(json.error) && json.error.code).toBe(azure);
  };

/** By directive, in the order of `DIRECTIVES`. `says` is the text in the brackets. Where it closes them itself, the rest of the message follows. */
export const ROWS: Record<string, Row[]> = {
  tokens: [
    ...both({ says: "tokens=7", look: ({ outputTokens }) => expect(outputTokens).toBe(7) }),
    ...both({
      says: "tokens=70",
      fields: () => ({ max_tokens: 5 }),
      look: ({ standIn, outputTokens, end }) => expect([outputTokens, end]).toEqual([5, isLength(standIn)]),
    }),
  ],
  huge: both({
    says: "huge tokens=30000",
    fields: () => ({ max_tokens: 5 }),
    look: ({ outputTokens, text }) => {
      expect(outputTokens).toBe(30_000);
      expect(text.length).toBeGreaterThan(90_000);
    },
  }),
  echo: both({
    says: "echo]  zwei  \n\tLeerzeichen, 日本 🦦 “[x]” ",
    look: ({ text }) => expect(text).toBe(" zwei  \n\tLeerzeichen, 日本 🦦 “[x]” "),
  }),
  calls: [
    ...both({
      says: "calls=3",
      fields: withTools(),
      look: ({ calls }) => expect(calls.map(({ name }) => name)).toEqual(["get_weather", "get_time", "get_weather"]),
    }),
    {
      says: "calls=3",
      fields: (standIn) =>
        withTools(standIn === "azure" ? { parallel_tool_calls: false } : { tool_choice: { type: "any", disable_parallel_tool_use: true } })(
          standIn,
        ),
      look: ({ calls }) => expect(calls).toHaveLength(1),
    },
  ],
  rounds: [
    ...both({
      says: "rounds=1 tool=get_time",
      fields: withTools(),
      look: ({ calls }) => expect(calls.map(({ name }) => name)).toEqual(["get_time"]),
    }),
    ...both({
      says: "rounds=0",
      fields: withTools(),
      look: ({ calls, text }) => expect([calls.length, text.length > 0]).toEqual([0, true]),
    }),
  ],
  text: [
    ...both({ says: "text", fields: withTools(), look: ({ calls, text }) => expect([calls.length, text.length > 0]).toEqual([0, true]) }),
    {
      says: "text",
      fields: (standIn) => withTools({ tool_choice: standIn === "azure" ? "required" : { type: "any" } })(standIn),
      look: ({ calls }) => expect(calls).toHaveLength(1),
    },
  ],
  pace: [
    {
      says: "pace=15 tokens=6",
      how: "stream",
      look: ({ tookMs, readAtMs }) => expect([tookMs >= 80, readAtMs.length >= 3]).toEqual([true, true]),
    },
    // A whole answer takes as long as a stream, and no byte comes before it.
    { says: "pace=15 tokens=6", how: "whole", look: ({ readAtMs: [head = 0] }) => expect(head).toBeGreaterThan(80) },
  ],
  slow: both({
    says: "slow ms=30 tokens=3",
    look: ({ tookMs, readAtMs: [head = 0] }) => expect([head >= 29, tookMs >= 115]).toEqual([true, true]),
  }),
  delay: both({
    says: "delay ms=60",
    look: ({ readAtMs: [head = 0], tookMs }) => expect([head >= 59, tookMs - head < 600]).toEqual([true, true]),
  }),
  quiet: [
    {
      says: "quiet ms=60 after=2 tokens=4",
      how: "stream",
      look: ({ readAtMs, isDone }) => {
        expect(isDone).toBe(true);
        expect(Math.max(...readAtMs.map((at, index) => at - (readAtMs[index - 1] ?? at)))).toBeGreaterThan(50);
      },
    },
  ],
  shred: both({
    says: "shred bytes=40 tokens=3",
    look: ({ readBytes, outputTokens }) => {
      expect(outputTokens).toBe(3);
      expect(readBytes.length).toBeGreaterThan(5);
    },
  }),
  throttle: both({
    says: "throttle seconds=7",
    look: (witness) => {
      refused(429, "ThrottlingException", "429")(witness);
      expect(witness.headers["retry-after"]).toBe(witness.standIn === "azure" ? "7" : undefined);
    },
  }),
  overloaded: both({ says: "overloaded", look: refused(503, "ServiceUnavailableException", "503") }),
  status: [
    ...both({ says: "status=404", look: refused(404, "ResourceNotFoundException", "DeploymentNotFound") }),
    {
      says: "status=529",
      on: "bedrock",
      look: ({ status, headers }) => expect([status, headers["content-type"]]).toEqual([529, "text/html"]),
    },
  ],
  fail: [
    ...both({ says: "fail", look: refused(500, "InternalServerException", "InternalServerError") }),
    { says: "fail type=ModelTimeoutException", on: "bedrock", look: refused(408, "ModelTimeoutException", "") },
    {
      says: "fail status=529 shape=anthropic",
      on: "bedrock",
      look: ({ status, json }) => expect([status, json.error]).toEqual([529, { type: "overloaded_error", message: "Overloaded" }]),
    },
    {
      says: "fail status=429 seconds=3",
      on: "azure",
      look: ({ headers }) => expect([headers["retry-after"], headers["retry-after-ms"]]).toEqual(["3", "3000"]),
    },
  ],
  "too-long": both({ says: "too-long", look: refused(400, "ValidationException", "context_length_exceeded") }),
  exception: [
    {
      says: "exception",
      how: "stream",
      look: ({ events, exception, standIn }) =>
        expect([events.length, exception]).toEqual(standIn === "bedrock" ? [0, "throttlingException"] : [1, "server_error"]),
    },
    {
      says: "exception after=2 tokens=5",
      how: "stream",
      look: ({ exception, text, isDone }) => expect([exception !== "", text, isDone]).toEqual([true, " the weir", false]),
    },
    { says: "exception type=validationException", how: "whole", on: "bedrock", look: refused(400, "ValidationException", "") },
    { says: "exception", how: "whole", on: "azure", look: refused(500, "", "InternalServerError") },
  ],
  stall: [
    ...both({ says: "stall", until: () => true, look: nothing }),
    {
      says: "stall after=2 tokens=5",
      how: "stream",
      until: ({ text }) => text === " the weir",
      look: ({ text, isWhole }) => expect([text, isWhole]).toEqual([" the weir", false]),
    },
  ],
  cut: [
    { says: "cut", how: "stream", look: ({ text, isWhole, fault }) => expect([text, isWhole, fault !== ""]).toEqual(["", false, true]) },
    {
      says: "cut after=2 tokens=5",
      how: "stream",
      look: ({ text, isWhole, fault }) => expect([text, isWhole, fault !== ""]).toEqual([" the weir", false, true]),
    },
    { says: "cut", how: "whole", look: ({ status, isWhole, fault }) => expect([status, isWhole, fault]).toEqual([200, false, "not JSON"]) },
  ],
  truncate: [
    {
      says: "truncate tokens=5",
      how: "stream",
      look: ({ isDone, isWhole, fault, outputTokens }) => expect([isDone, isWhole, fault, outputTokens]).toEqual([false, true, "", 5]),
    },
    {
      says: "truncate after=2 tokens=5",
      how: "stream",
      look: ({ isDone, isWhole, text }) => expect([isDone, isWhole, text]).toEqual([false, true, " the weir"]),
    },
    { says: "truncate", how: "whole", look: ({ isWhole, fault }) => expect([isWhole, fault]).toEqual([true, "not JSON"]) },
  ],
  corrupt: [
    {
      says: "corrupt after=2 tokens=5",
      how: "stream",
      look: ({ standIn, fault }) => expect(fault).toBe(standIn === "bedrock" ? "Error: message checksum" : "not JSON"),
    },
    { says: "corrupt", how: "whole", look: ({ status, fault }) => expect([status, fault]).toEqual([200, "not JSON"]) },
  ],
  malformed: both({ says: "malformed", look: ({ status }) => expect(status).toBeNaN() }),
  "hang-up": both({ says: "hang-up", look: nothing }),
  filter: [
    ...both({
      says: "filter",
      look: (witness) => {
        if (witness.standIn === "azure") refused(400, "", "content_filter")(witness);
        else expect([witness.status, witness.end, witness.text]).toEqual([200, "refusal", ""]);
      },
    }),
    ...both({
      says: "filter after=2 tokens=5",
      look: ({ standIn, text, end }) => expect([text, end]).toEqual([" the weir", standIn === "bedrock" ? "refusal" : "content_filter"]),
    }),
    ...both({
      says: "filter after=9 tokens=5",
      fields: () => ({ max_tokens: 3 }),
      look: ({ standIn, end }) => expect(end).toBe(isLength(standIn)),
    }),
  ],
  "no-betas": [
    {
      says: "no-betas",
      how: "whole",
      on: "bedrock",
      model: "eu.anthropic.claude-opus-4-8",
      fields: () => ({ anthropic_beta: ["context-management-2025-06-27"] }),
      look: ({ status, json }) => expect([status, json.message]).toEqual([400, "invalid beta flag"]),
    },
    { says: "no-betas", how: "whole", on: "bedrock", look: ({ status }) => expect(status).toBe(200) },
  ],
  // Calls with a guardrail are in `test/spec/controls.test.ts`.
  blocked: [
    { says: "blocked", how: "whole", on: "bedrock", look: ({ status, text }) => expect([status, text === BLOCKED]).toEqual([200, false]) },
  ],
  "async-filter": [
    {
      says: "async-filter tokens=3",
      how: "stream",
      on: "azure",
      look: ({ events, text }) => {
        const choices = events.flatMap((event) => objects(event.choices));
        expect(text).toBe(" the weir is");
        expect(choices.filter((choice) => "content_filter_offsets" in choice && !("delta" in choice))).toHaveLength(3);
        expect(choices.filter((choice) => "delta" in choice && "content_filter_results" in choice)).toHaveLength(0);
      },
    },
  ],
};
