import { Type } from "@sinclair/typebox";
import { addressText, map, masked, secret, secureAddress, text } from "../fields.ts";
import type { ProviderSettings } from "../provider.ts";
import { bedrockControls } from "./controls.ts";
import type { BedrockCredentials, BedrockSettings } from "./settings.ts";
import { BEDROCK_FIELDS, bedrockTakes } from "./takes.ts";
import { apiKeyValidity, environmentValidity } from "./validity.ts";

const schema = Type.Object(
  {
    aws_region: Type.String({
      title: "an AWS region such as eu-central-1",
      pattern: "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$",
      description: "AWS region that is called, and that requests are signed for. It must lie in `region`.",
    }),
    endpoint: Type.Optional(
      Type.String({
        title: "an https:// address",
        description:
          "Address of the Bedrock runtime, for VPC endpoints and stand-ins. Left out: `https://bedrock-runtime.{aws_region}.amazonaws.com`.",
      }),
    ),
    credentials: Type.Optional(
      Type.Object(
        {
          ...secret("access_key_id", "Access key of static credentials; `secret_access_key` goes with it."),
          ...secret("secret_access_key", "Secret key of static credentials."),
          ...secret("session_token", "Session token of temporary static credentials."),
          ...secret("bearer_token", "Bedrock API key. A short-term key is valid for 12 hours at most, in one AWS region."),
          profile: Type.Optional(
            Type.String({ minLength: 1, description: "Profile of the AWS configuration files, for SSO and assumed roles." }),
          ),
        },
        {
          additionalProperties: false,
          description:
            "How to sign in: static keys, a Bedrock API key, or a profile. Left out: AWS's own chain (environment, configuration files, IRSA, ECS, EC2), whose credentials are refreshed before they expire.",
        },
      ),
    ),
    betas: Type.Optional(
      Type.Array(Type.String({ pattern: "^[a-z0-9-]+$", title: "the name of a beta" }), {
        description: "Names in `anthropic-beta` to let through, in addition to Weir's list of those that Bedrock takes.",
      }),
    ),
  },
  { additionalProperties: false },
);

/**
 * Places with known AWS regions and inference-profile prefixes. A profile routes among all AWS regions of its prefix, so a place smaller
 * than a prefix (Switzerland, the United Kingdom) has no prefix, and takes only names that stay in the AWS region itself.
 * Prefixes: AWS, "Supported Regions and models for inference profiles"; `apac.` routes to regions outside of jp and au too.
 */
const PLACES: Readonly<Record<string, { regions: RegExp; profiles: readonly string[] }>> = {
  eu: { regions: /^(eu|eusc)-/, profiles: ["eu"] },
  us: { regions: /^us-/, profiles: ["us", "us-gov"] },
  ch: { regions: /^eu-central-2$/, profiles: [] },
  uk: { regions: /^eu-west-2$/, profiles: [] },
  ca: { regions: /^ca-/, profiles: ["ca"] },
  jp: { regions: /^ap-northeast-[13]$/, profiles: ["jp"] },
  au: { regions: /^ap-southeast-[24]$/, profiles: ["au"] },
  apac: { regions: /^ap-/, profiles: ["apac", "jp", "au"] },
  global: { regions: /^/, profiles: ["global", "eu", "us", "us-gov", "ca", "jp", "au", "apac"] },
};

const EVERY_PROFILE = new Set(Object.values(PLACES).flatMap(({ profiles }) => profiles));

const AWS_REGION = /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/;

/** Anthropic's models on AWS Bedrock. */
export const bedrock: ProviderSettings<BedrockSettings> = {
  name: "bedrock",
  dialect: "anthropic",
  telemetryName: "aws.bedrock",
  schema,

  resolve(fields) {
    const awsRegion = text(fields, "aws_region") ?? "";
    const endpoint = text(fields, "endpoint");
    const betas = fields.betas;
    return {
      awsRegion,
      endpoint:
        endpoint === undefined
          ? `https://bedrock-runtime.${awsRegion}.${suffix(awsRegion)}`
          : addressText(secureAddress("endpoint", endpoint)),
      credentials: credentials(map(fields, "credentials")),
      ...(Array.isArray(betas) ? { betas: betas.map(String) } : {}),
    };
  },

  regionProblem(region, settings) {
    const { awsRegion } = settings;
    const place = PLACES[region];
    if (place !== undefined && !place.regions.test(awsRegion)) return `aws_region: ${awsRegion} is not in region "${region}"`;
    // A region with the name of an AWS region promises that AWS region.
    if (AWS_REGION.test(region) && region !== awsRegion) return `aws_region: ${awsRegion} is not in region "${region}"`;
    const named = new URL(settings.endpoint).hostname.split(".").find((label) => AWS_REGION.test(label));
    if (named !== undefined && named !== awsRegion) return `endpoint: is in ${named}, but aws_region is ${awsRegion}`;
    return undefined;
  },

  modelProblem(region, model, settings) {
    if (!model.toLowerCase().startsWith("arn:")) return profileProblem(region, model);
    const arn = /^arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]*):[^:]*:([a-z-]+)\/(.+)$/i.exec(model);
    if (arn === null) return "it is not an ARN of a model or an inference profile";
    const [, arnRegion = "", kind = "", resource = ""] = arn;
    if (arnRegion !== settings.awsRegion)
      return `it is in ${AWS_REGION.test(arnRegion) ? arnRegion : "no AWS region"}, but the upstream is in ${settings.awsRegion}`;
    return kind === "inference-profile" ? profileProblem(region, resource) : undefined;
  },

  modelDoubt(model) {
    const kind = /^arn:[^/]*:(application-inference-profile|default-prompt-router|prompt-router|prompt)\//i.exec(model)?.[1];
    return kind === undefined
      ? undefined
      : `the name of a ${kind.replaceAll("-", " ")} does not say where it routes to; make sure that all its models stay in the region`;
  },

  controls: bedrockControls,

  // Source: botocore, data/bedrock-runtime/2023-09-30/service-2.json, InvokeModel.
  reserved: [
    "x-amzn-bedrock-guardrailidentifier",
    "x-amzn-bedrock-guardrailversion",
    "x-amzn-bedrock-trace",
    "x-amzn-bedrock-performanceconfig-latency",
    "x-amzn-bedrock-service-tier",
    "x-amzn-bedrock-request-metadata",
  ],

  fields: BEDROCK_FIELDS,

  accepts(model, edits, { betas: add = [] }) {
    return bedrockTakes(model, [{ betas: { add, remove: [] }, fields: { add: [], remove: [] } }, ...edits]);
  },

  validity({ credentials }, environment) {
    if (credentials.kind === "bearer") return apiKeyValidity(credentials.token);
    return credentials.kind === "default" ? environmentValidity(environment) : undefined;
  },

  summary({ endpoint, credentials }) {
    return `${endpoint} · ${credentialsSummary(credentials)}`;
  },
};

/** @throws Error where more than one kind of credentials is set, or a part of it is missing */
function credentials(fields: Record<string, unknown>): BedrockCredentials {
  const accessKeyId = text(fields, "access_key_id");
  const secretAccessKey = text(fields, "secret_access_key");
  const sessionToken = text(fields, "session_token");
  const token = text(fields, "bearer_token");
  const profile = text(fields, "profile");
  const isStatic = accessKeyId !== undefined || secretAccessKey !== undefined || sessionToken !== undefined;
  const kinds = [
    isStatic && "static keys (access_key_id)",
    token !== undefined && "bearer_token",
    profile !== undefined && "profile",
  ].filter(Boolean);
  if (kinds.length > 1) throw new Error(`credentials: expected one way to sign in, got ${kinds.join(" and ")}`);
  if (token !== undefined) return { kind: "bearer", token };
  if (profile !== undefined) return { kind: "profile", profile };
  if (!isStatic) return { kind: "default" };
  if (accessKeyId === undefined) throw new Error("credentials.access_key_id: expected it beside secret_access_key, got nothing");
  if (secretAccessKey === undefined) throw new Error("credentials.secret_access_key: expected it beside access_key_id, got nothing");
  return { kind: "static", accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function credentialsSummary(credentials: BedrockCredentials): string {
  switch (credentials.kind) {
    case "static":
      return `static keys ${masked(credentials.accessKeyId)}${credentials.sessionToken === undefined ? "" : " with session token"}`;
    case "bearer":
      return `Bedrock API key ${masked(credentials.token)}`;
    case "profile":
      return `profile ${credentials.profile}`;
    case "default":
      return "AWS default chain";
  }
}

/** The domain of an AWS partition. */
function suffix(awsRegion: string): string {
  if (awsRegion.startsWith("cn-")) return "amazonaws.com.cn";
  if (awsRegion.startsWith("eusc-")) return "amazonaws.eu";
  return "amazonaws.com";
}

/** An inference profile across regions is named by the model's id with a place before it: `eu.anthropic.claude-…`. */
function profileProblem(region: string, model: string): string | undefined {
  const prefix = /^([a-z-]+)\.[a-z0-9-]+\./i.exec(model)?.[1]?.toLowerCase();
  if (prefix === undefined || prefix === "anthropic") return undefined;
  const profiles = PLACES[region]?.profiles ?? [];
  if (profiles.includes(prefix)) return undefined;
  const cure =
    profiles.length > 0
      ? `use ${profiles.map((profile) => `${profile}.`).join(" or ")} or an id without a prefix`
      : "use an id without a prefix";
  const whose = EVERY_PROFILE.has(prefix) ? `"${prefix}"` : "another place";
  return `it is an inference profile of ${whose} and would leave region "${region}"; ${cure}`;
}
