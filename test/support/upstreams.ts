/** The sandbox's stand-ins for the clouds, as a configuration names them among its upstreams. */
import type { Sandbox } from "../../src/sandbox/sandbox.ts";

/** A model of Bedrock for tests in which the model does not matter. */
export const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";
const AWS_REGIONS = { eu: "eu-central-1", us: "us-east-1" };
export type Region = keyof typeof AWS_REGIONS;

/** @param change - In place of the sandbox's address and credentials. */
export function bedrockIn(
  region: Region,
  { bedrock, credentials }: Sandbox,
  change: { endpoint?: string | undefined; secret?: string | undefined } = {},
) {
  // The first account has a key and a secret; others have a session token as well.
  const { accessKeyId = "", secretAccessKey = "" } = credentials.aws[0] ?? {};
  return {
    provider: "bedrock",
    region,
    aws_region: AWS_REGIONS[region],
    endpoint: change.endpoint ?? bedrock.url,
    credentials: { access_key_id: accessKeyId, secret_access_key: change.secret ?? secretAccessKey },
  };
}

/** @param change - In place of the sandbox's address and key. */
export function azureIn(
  region: Region,
  { azure, credentials }: Sandbox,
  change: { endpoint?: string | undefined; key?: string | undefined } = {},
) {
  return {
    provider: "azure",
    region,
    endpoint: change.endpoint ?? azure.url,
    credentials: { api_key: change.key ?? credentials.apiKeys[0] ?? "" },
  };
}
