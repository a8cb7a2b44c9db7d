/** What Weir runs with where nothing is configured: the stand-ins as upstreams, one workspace and one key. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import process from "node:process";
import { DEMO_KEYS_FILE, type DemoSecrets, demoSecrets, SECRETS_FILE } from "./demo-secrets.ts";
import type { Sandbox } from "./sandbox.ts";

/** Milliseconds for each token of an answer. It is slow enough to see that the answer is a stream. */
export const DEMO_PACE_MS = 8;

/**
 * Tokens per minute of a workspace that sets no limit. The usual 60,000 would make Claude Code wait: its first request has 28,500 tokens, and the second
 * one reserves them again within the same minute.
 */
const DEMO_TPM = 1_000_000;

export interface Demo {
  /** The configuration, in the form of `weir.yaml`. */
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
    // A demo has no load balancer that must first notice the end, so Ctrl-C ends it at once.
    server: { drain_grace: "0s" },
    admin: { token: secrets.adminToken },
    directory: { file: DEMO_KEYS_FILE },
    limits: { tpm: DEMO_TPM },
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

export interface Announced {
  port: number;
  adminPort: number;
  /** The ports that were asked for. Where the used ones differ, another program had them. */
  wanted: { port: number; adminPort: number };
  /** How a user starts Weir's commands in this folder, as in `npx weir`. */
  program: string;
}

/** The text for a user who has just started the demo: addresses, key, token, and commands to try. */
export function announceDemo({ key, adminToken, isKept }: DemoSecrets, { port, adminPort, wanted, program }: Announced): string {
  const url = `http://localhost:${port}`;
  const adminUrl = `http://localhost:${adminPort}`;
  const kept = isKept
    ? `Key and token are the same at the next start in this folder: they are stored in ${SECRETS_FILE}.`
    : "Key and token are valid for this start only: this folder cannot be written.";
  const taken = [
    [wanted.port, port],
    [wanted.adminPort, adminPort],
  ].flatMap(([asked, got]) =>
    asked === got || asked === 0 ? [] : [`Port ${asked} is taken, perhaps by another Weir: this one uses ${got}.`],
  );
  // A command in this folder finds the stored token, and the address where the port is the usual one. Anything else must be exported.
  const exports = [
    ...(adminPort === wanted.adminPort ? [] : [`export WEIR_ADMIN_URL=${adminUrl}`]),
    ...(isKept ? [] : [`export WEIR_ADMIN_TOKEN=${adminToken}`]),
  ];
  const commands = [
    ...exports,
    `${program} workspaces create research --default-region eu --rpm 60 --tpm 250000`,
    `${program} keys create --workspace research --name me`,
    `${program} workspaces usage research`,
  ];
  return `
  Weir is running in sandbox mode: stand-ins answer instead of AWS Bedrock and Azure OpenAI. Not for production.
${taken.map((line) => `  ${line}\n`).join("")}
    URL          ${url}
    docs         ${url}/docs
    key          ${key}
    admin        ${adminUrl}/admin/docs
    admin token  ${adminToken}

  ${kept}

  Try it:

    curl ${url}/anthropic/eu/v1/messages -H 'x-api-key: ${key}' -H 'content-type: application/json' -d '{"model":"claude-sonnet-5","max_tokens":200,"messages":[{"role":"user","content":"Hello!"}]}'

    curl -N ${url}/openai/eu/v1/chat/completions -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '{"model":"gpt-5.5","stream":true,"messages":[{"role":"user","content":"Write a short poem about cats."}]}'

  Make a workspace and a key in this folder, and see what they use:

${commands.map((command) => `    ${command}\n`).join("")}
  For the real clouds write a weir.yaml: step 3 of README.md, and docs/configuration.md.

`;
}
