/** What starts where nobody has configured anything: the stand-ins as upstreams, one workspace, one key. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { type DemoSecrets, demoSecrets } from "./demo-secrets.ts";
import type { Sandbox } from "./sandbox.ts";

/** Milliseconds for each token, so that a stream can be seen to be one. */
export const DEMO_PACE_MS = 8;

/** Where the key and the token are kept: in the folder that Weir was started in. */
const SECRETS_FILE = ".weir-sandbox.json";

export interface Demo {
  /** As `weir.yaml` would say it. */
  document: Record<string, unknown>;
  secrets: DemoSecrets;
}

export function demoConfiguration({ bedrock, azure, credentials }: Sandbox): Demo {
  const secrets = demoSecrets(join(process.cwd(), SECRETS_FILE));
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
    admin: { token: secrets.adminToken },
    upstreams: {
      "bedrock-eu": bedrockIn("eu", "eu-central-1"),
      "bedrock-us": bedrockIn("us", "us-east-1"),
      "azure-eu": azureIn("eu"),
      "azure-us": azureIn("us"),
    },
    workspaces: {
      demo: { default_region: "eu", keys: [{ name: "demo", sha256: createHash("sha256").update(secrets.key).digest("hex") }] },
    },
  };
  return { document, secrets };
}

/** What a person who has just typed `npm start` needs. */
export function announceDemo({ key, adminToken, isKept }: DemoSecrets, port: number, adminPort: number): string {
  const url = `http://localhost:${port}`;
  const kept = isKept
    ? `The same at the next start in this folder: they are kept in ${SECRETS_FILE}.`
    : "For this start alone: this folder cannot be written.";
  return `
  Weir is running in sandbox mode: stand-ins answer in place of AWS Bedrock and Azure OpenAI. Not for production.

    URL          ${url}
    docs         ${url}/docs
    key          ${key}
    admin        http://localhost:${adminPort}/admin/docs
    admin token  ${adminToken}

  ${kept}

  Try it:

    curl ${url}/anthropic/eu/v1/messages -H 'x-api-key: ${key}' -H 'content-type: application/json' -d '{"model":"claude-sonnet-4-5","max_tokens":200,"messages":[{"role":"user","content":"Hello!"}]}'

    curl -N ${url}/openai/eu/v1/chat/completions -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Write a short poem about cats."}]}'

  Make workspaces and keys, and see what they use:

    export WEIR_ADMIN_URL=http://localhost:${adminPort} WEIR_ADMIN_TOKEN=${adminToken}
    npx weir workspaces create research --default-region eu
    npx weir keys create --workspace research --name me

  For the real clouds write a weir.yaml: docs/configuration.md.

`;
}
