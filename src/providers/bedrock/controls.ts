/**
 * Bedrock's own controls of a call. Sources: AWS, "InvokeModel" (API reference: headers, their lengths and values), "Use a guardrail with the InvokeModel
 * API", "Service tiers", "Optimize model inference for latency".
 */
import { type Static, Type } from "@sinclair/typebox";

/** The id of a guardrail, or its ARN. */
const GUARDRAIL_ID = "^([a-z0-9]+|arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+)$";
/** Characters that AWS allows in a tag; names in braces are replaced by those of the call. */
const TAG = "[A-Za-z0-9 :_@$#=/+,.-]";

export const bedrockControls = Type.Object(
  {
    guardrail: Type.Optional(
      Type.Unsafe<{ id: string; version: string; trace?: "enabled" | "disabled" | "enabled_full" } | "off">(
        Type.Union(
          [
            Type.Literal("off"),
            Type.Object(
              {
                id: Type.String({
                  pattern: GUARDRAIL_ID,
                  maxLength: 2048,
                  title: "the id or ARN of a guardrail",
                  description: "Its id or ARN.",
                }),
                version: Type.String({
                  pattern: "^([1-9][0-9]{0,7}|DRAFT)$",
                  title: '"DRAFT" or the number of a version, in quotes',
                  description: "Its version, in quotes, or `DRAFT`.",
                }),
                trace: Type.Optional(
                  Type.Union([Type.Literal("enabled"), Type.Literal("disabled"), Type.Literal("enabled_full")], {
                    description: "Whether Bedrock's own logs and answers say what the guardrail has found. Left out: they do not.",
                  }),
                ),
              },
              { additionalProperties: false, title: "a guardrail with id and version" },
            ),
          ],
          {
            title: '"off" or a guardrail with id and version',
            description:
              "Bedrock's guardrail for every call, or `off` where a less specific place sets one. Clients cannot replace it. An answer that it has blocked or changed says so in `x-weir-guardrail`, in `weir_guardrail_interventions_total` and in the log, and where Claude's answer would have ended normally, its stop reason is `refusal`.",
          },
        ),
      ),
    ),
    service_tier: Type.Optional(
      Type.Union([Type.Literal("default"), Type.Literal("priority"), Type.Literal("flex"), Type.Literal("reserved")], {
        description: "Bedrock's service tier. Left out: AWS's default.",
      }),
    ),
    latency: Type.Optional(
      Type.Union([Type.Literal("standard"), Type.Literal("optimized")], {
        description: "Bedrock's performance configuration: `optimized` for less latency, on the models that have it. Left out: `standard`.",
      }),
    ),
    request_metadata: Type.Optional(
      Type.Record(
        Type.String({ pattern: `^${TAG}{1,256}$` }),
        Type.String({
          pattern: `^(${TAG}|\\{workspace\\}|\\{key\\}){0,256}$`,
          title: "a text of letters, digits, blanks and :_@$#=/+,.- with {workspace} and {key} for the call's own",
        }),
        {
          additionalProperties: false,
          maxProperties: 16,
          title: "at most 16 tags",
          description:
            'Tags that Bedrock writes into its invocation logs, such as `team: search, workspace: "{workspace}", key: "{key}"`; the words in braces become the names of the call\'s workspace and key.',
        },
      ),
    ),
  },
  { additionalProperties: false },
);

export type BedrockControls = Static<typeof bedrockControls>;
