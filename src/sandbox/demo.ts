/** What starts where nobody has configured anything: the stand-ins as upstreams, one workspace, one key. */
import { createHash, randomBytes } from "node:crypto";
import type { Sandbox } from "./sandbox.ts";

/** Milliseconds for each token, so that a stream can be seen to be one. */
export const DEMO_PACE_MS = 8;

export interface Demo {
  /** As `weir.yaml` would say it. */
  document: Record<string, unknown>;
  key: string;
}

export function demoConfiguration({ bedrock, azure, credentials }: Sandbox): Demo {
  const key = `weir_demo_${randomBytes(24).toString("base64url")}`;
  const [aws] = credentials.aws;
  const bedrockIn = (region: string, awsRegion: string) => ({
    provider: "bedrock",
    region,
    aws_region: awsRegion,
    endpoint: bedrock.url,
    credentials: { access_key_id: aws?.accessKeyId, secret_access_key: aws?.secretAccessKey },
  });
  const azureIn = (region: string) => ({
    provider: "azure",
    region,
    endpoint: azure.url,
    api: "v1",
    credentials: { api_key: credentials.apiKeys[0] },
  });
  const document = {
    // Nobody balances load over a demo: Ctrl-C ends it at once.
    server: { drain_grace: "0s" },
    upstreams: {
      "bedrock-eu": bedrockIn("eu", "eu-central-1"),
      "bedrock-us": bedrockIn("us", "us-east-1"),
      "azure-eu": azureIn("eu"),
      "azure-us": azureIn("us"),
    },
    workspaces: { demo: { default_region: "eu", keys: [{ name: "demo", sha256: createHash("sha256").update(key).digest("hex") }] } },
  };
  return { document, key };
}

/** What a person who has just typed `npm start` needs. */
export function announceDemo(key: string, port: number, adminPort: number): string {
  const url = `http://localhost:${port}`;
  return `
  Weir is running in sandbox mode: stand-ins answer in place of AWS Bedrock and Azure OpenAI. Not for production.

    URL    ${url}
    key    ${key}
    admin  http://localhost:${adminPort}/metrics

  Try it:

    curl ${url}/anthropic/eu/v1/messages -H 'x-api-key: ${key}' -H 'content-type: application/json' -d '{"model":"claude-sonnet-4-5","max_tokens":200,"messages":[{"role":"user","content":"Hello!"}]}'

    curl -N ${url}/openai/eu/v1/chat/completions -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Write a short poem about cats."}]}'

  For the real clouds write a weir.yaml: docs/configuration.md.

`;
}
