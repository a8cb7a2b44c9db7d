/** Limits and time-outs: at the top of the file, and at the places that set other ones. */
import { Type } from "@sinclair/typebox";
import { duration, map, oneOf } from "./kinds.ts";

const rpm = { minimum: 1, maximum: 1_000_000_000, description: "Requests that may begin in any 60 seconds." };
const tpm = { minimum: 1, maximum: 1_000_000_000, description: "Tokens that may be used in any 60 seconds." };
const countRpm = {
  minimum: 1,
  maximum: 1_000_000_000,
  description:
    "Token counts (`…/count_tokens`) and requests for kept answers that may begin in any 60 seconds. They are counted apart from other requests. Where no place sets it: as many as `rpm`.",
};
const cacheReadWeight = {
  minimum: 0,
  maximum: 1,
  description: "How much of a token that was read from a prompt cache counts: 0 not at all, 1 in full.",
};
const RESERVE_OUTPUT = ["expected", "max_tokens"] as const;
const RESERVE_OUTPUT_TEXT =
  "How much of the answer is reserved beforehand: `expected` (as long as earlier answers of this workspace and model were) or `max_tokens` (as long as the client allows).";

/** Limits of a workspace or of a model. A limit that is left out is taken from the next less specific place. */
export const limitFields = {
  rpm: Type.Optional(Type.Integer(rpm)),
  tpm: Type.Optional(Type.Integer(tpm)),
  count_rpm: Type.Optional(Type.Integer(countRpm)),
  cache_read_weight: Type.Optional(Type.Number(cacheReadWeight)),
  reserve_output: Type.Optional(oneOf(RESERVE_OUTPUT, RESERVE_OUTPUT_TEXT)),
};

export const limits = (description: string) => Type.Optional(map(limitFields, description));

const CLOCKS = {
  connect: "Longest time until the connection to an upstream is open, TLS included.",
  first_byte: "Longest time from the request until the first byte of the answer.",
  silence: "Longest pause inside an answer.",
  total: "Longest time for the whole call.",
};

export const timeouts = (description: string) =>
  Type.Optional(
    map(
      {
        connect: Type.Optional(duration(CLOCKS.connect)),
        first_byte: Type.Optional(duration(CLOCKS.first_byte)),
        silence: Type.Optional(duration(CLOCKS.silence)),
        total: Type.Optional(duration(CLOCKS.total)),
      },
      description,
    ),
  );

/** The limits of every model in every workspace that sets none. */
export const commonLimits = map(
  {
    rpm: Type.Integer({ ...rpm, default: 500 }),
    tpm: Type.Integer({ ...tpm, default: 60_000 }),
    count_rpm: Type.Optional(Type.Integer(countRpm)),
    cache_read_weight: Type.Number({ ...cacheReadWeight, default: 0 }),
    reserve_output: oneOf(RESERVE_OUTPUT, RESERVE_OUTPUT_TEXT, { default: "expected" }),
  },
  "Limits of each model in each workspace. The most specific place that sets one decides: model in a workspace, workspace, model, here.",
  { default: {} },
);

/** The time-outs of every call whose model and upstream set none. */
export const commonTimeouts = map(
  {
    connect: duration(CLOCKS.connect, { default: "5s" }),
    first_byte: duration(CLOCKS.first_byte, { default: "10m" }),
    silence: duration(CLOCKS.silence, { default: "5m" }),
    total: duration(CLOCKS.total, { default: "60m" }),
  },
  "Time-outs of every call to an upstream. Those of a model go before those of its upstream, and those of the upstream before these.",
  { default: {} },
);
