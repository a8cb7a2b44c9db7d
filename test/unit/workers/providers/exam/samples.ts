/** What the exam needs from each provider: a new provider has a sample here, and its name in `SAMPLES`. */
import type { Sandbox } from "../../../../../src/sandbox/sandbox.ts";
import type { Job } from "../../../../../workers/providers/provider.ts";

/** A request that the provider's stand-in answers in a few words. */
export type Question = Pick<Job, "operation" | "body" | "hints" | "upstreamModel" | "stream">;

export interface Sample {
  /** Fields of an upstream at the stand-in, as in weir.yaml: one upstream for each way to sign in, so that each secret of the schema is in one of them. */
  upstreams(sandbox: Sandbox): Record<string, unknown>[];
  /** Fields of an upstream with credentials that the stand-in does not know. */
  stranger(sandbox: Sandbox): Record<string, unknown>;
  questions: readonly Question[];
}

const SAYS = '[{"role":"user","content":"[sandbox: echo] Good day."}]';
const CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";

const bedrock: Sample = {
  upstreams({ bedrock: { url }, credentials: { aws, bearerTokens } }) {
    const place = { aws_region: "eu-central-1", endpoint: url };
    const keys = aws.map(({ accessKeyId, secretAccessKey, sessionToken }) => ({
      access_key_id: accessKeyId,
      secret_access_key: secretAccessKey,
      ...(sessionToken === undefined ? {} : { session_token: sessionToken }),
    }));
    return [...keys, { bearer_token: bearerTokens[0] }].map((credentials) => ({ ...place, credentials }));
  },
  stranger: ({ bedrock: { url } }) => ({
    aws_region: "eu-central-1",
    endpoint: url,
    credentials: { bearer_token: "a-stranger-0123456789" },
  }),
  questions: [
    ...[false, true].map((stream) => ({
      operation: "generate" as const,
      body: `{"model":"m","max_tokens":50,"stream":${stream},"messages":${SAYS}}`,
      hints: "2023-06-01\n",
      upstreamModel: CLAUDE,
      stream,
    })),
    {
      operation: "count_tokens",
      body: `{"model":"m","messages":${SAYS}}`,
      hints: "2023-06-01\n",
      upstreamModel: "anthropic.claude-3-haiku-20240307-v1:0",
      stream: false,
    },
  ],
};

const azure: Sample = {
  upstreams: ({ azure: { url }, authority, credentials: { apiKeys, entra } }) => [
    { endpoint: url, credentials: { api_key: apiKeys[0] } },
    {
      endpoint: url,
      allow_store: true,
      store_secret: "a-seal-of-the-exam-0123456789",
      store_secret_before: "an-older-seal-of-the-exam-01234",
      credentials: { api_key: apiKeys[0] },
    },
    {
      endpoint: url,
      credentials: { tenant_id: entra.tenantId, client_id: entra.clientId, client_secret: entra.clientSecret, authority: authority.url },
    },
  ],
  stranger: ({ azure: { url } }) => ({ endpoint: url, credentials: { api_key: "a-stranger-0123456789" } }),
  questions: [
    ...[false, true].map((stream) => ({
      operation: "generate" as const,
      body: `{"model":"m","stream":${stream},"messages":${SAYS}}`,
      hints: "",
      upstreamModel: "gpt-4o",
      stream,
    })),
    ...[false, true].map((stream) => ({
      operation: "responses" as const,
      body: `{"model":"m","stream":${stream},"input":${SAYS}}`,
      hints: "",
      upstreamModel: "gpt-4o",
      stream,
    })),
    {
      operation: "embeddings",
      body: '{"model":"m","input":"Good day."}',
      hints: "",
      upstreamModel: "text-embedding-3-small",
      stream: false,
    },
  ],
};

export const SAMPLES: Readonly<Record<string, Sample>> = { azure, bedrock };
