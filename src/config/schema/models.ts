import { type Static, Type } from "@sinclair/typebox";
import { controls, modelAccepts } from "./accepts.ts";
import { MODEL_NAME, MODEL_NAME_TITLE, map, oneOf } from "./kinds.ts";
import { limits, timeouts } from "./limits.ts";

const target = map(
  {
    upstream: Type.String({ minLength: 1, description: "Name of an upstream: one of the workspace's own, or one of `upstreams`." }),
    model: Type.String({
      title: "the upstream's name of the model, without blanks",
      pattern: "^\\S+$",
      maxLength: 2048,
      description: "What the upstream calls the model: a Bedrock model id, inference profile or ARN; an Azure deployment.",
    }),
    count_model: Type.Optional(
      Type.String({
        title: "the upstream's name of the model, without blanks",
        pattern: "^\\S+$",
        maxLength: 2048,
        description:
          "The name under which the upstream counts the model's tokens, where that is another name. Left out: on Bedrock the model's id without the prefix of its inference profile.",
      }),
    ),
    rank: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description:
          "Targets with a lower rank are tried first; targets with the same rank share the calls. Left out: the place in the list, so that targets are tried in the order of the list.",
      }),
    ),
    weight: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 1,
      description: "Share of the calls among the targets of the same rank and region.",
    }),
    controls: controls("The cloud's own controls of calls to this target."),
  },
  "One place where the model is served.",
);

const targets = Type.Array(target, {
  minItems: 1,
  description:
    "Where the model is served, in order of preference: where one fails before the client has seen anything, the next one of the same region is tried.",
});
const AFFINITY = ["on", "off"] as const;
const AFFINITY_TEXT =
  "Whether all calls of a conversation go to the same target, so that prompt caches and encrypted reasoning can be used again: `on`; or `off`, and each call may go to another target.";
const ESTIMATE = ["fast", "exact"] as const;
const ESTIMATE_TEXT =
  "How the tokens of a request are estimated: `fast`, or `exact` with the model's own token table (OpenAI's models only; for a small request it costs more than all other work).";
const family = Type.Optional(
  oneOf(
    ["claude-3", "claude-4.7", "o200k", "cl100k"],
    "Tokenizer for the estimate. The catalogue has it for its models, so only other names need it.",
  ),
);

const aliases = Type.Optional(
  Type.Array(Type.String({ title: MODEL_NAME_TITLE, pattern: MODEL_NAME }), {
    description:
      "Other names of the model, with the same targets, limits and metrics. Aliases of the shipped catalogue (`claude-sonnet-4-5` for `claude-sonnet-4-5-20250929`) need not be listed; an alias that names another model here keeps that meaning.",
  }),
);

export const model = map(
  {
    aliases,
    limits: limits("Limits of this model for every workspace, where they differ from `limits`."),
    timeouts: timeouts("Time-outs of this model, where they differ from those of its upstream."),
    accepts: modelAccepts,
    controls: controls("The cloud's own controls of calls to this model, at each of its targets."),
    estimate: oneOf(ESTIMATE, ESTIMATE_TEXT, { default: "fast" }),
    affinity: oneOf(AFFINITY, AFFINITY_TEXT, { default: "on" }),
    family,
    targets,
  },
  "A model, under the name that clients use.",
);

export const workspaceModel = map(
  {
    aliases,
    limits: limits("Limits of this model in this workspace."),
    estimate: Type.Optional(oneOf(ESTIMATE, ESTIMATE_TEXT)),
    affinity: Type.Optional(oneOf(AFFINITY, AFFINITY_TEXT)),
    accepts: modelAccepts,
    controls: controls("The cloud's own controls of this workspace's calls to this model."),
    family,
    targets: Type.Optional(targets),
  },
  "A model in this workspace. With `targets` it is the workspace's own; without them it is the shared model with other limits.",
);

export type ModelSettings = Static<typeof model>;
export type TimeoutSettings = Static<typeof model>["timeouts"];
export type TargetSettings = Static<typeof target>;
