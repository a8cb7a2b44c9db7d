/** One gateway for all clients, with the sandbox's stand-ins in this process so that what reached them can be looked at. */
import type { ReceivedCall } from "../../../src/sandbox/calls.ts";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { keyEntry, startWeir } from "../../support/weir.ts";

const KEY = "weir_clients_Vb5nMq8rTy2wEx";
const US_KEY = "weir_clients_us_Jd3kXs9tWz4q";

export interface Gateway {
  url: string;
  key: string;
  /** Of a workspace that is at home in `us`. */
  usKey: string;
  /** What the stand-ins have seen of the requests with this mark in their body, in order. */
  callsOf(mark: string): ReceivedCall[];
  stop(): Promise<void>;
}

/** Its models are those of the catalogue that Weir ships. */
export async function startGateway(): Promise<Gateway> {
  const { bedrock, azure, credentials, calls, close } = await startSandbox();
  const { accessKeyId, secretAccessKey } = credentials.aws.find(({ sessionToken }) => sessionToken === undefined) ?? {};
  const aws = {
    provider: "bedrock",
    endpoint: bedrock.url,
    credentials: { access_key_id: accessKeyId, secret_access_key: secretAccessKey },
  };
  const openai = { provider: "azure", endpoint: azure.url, credentials: { api_key: credentials.apiKeys[0] } };
  const weir = await startWeir({
    config: {
      workers: 2,
      limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
      upstreams: {
        "bedrock-eu": { ...aws, region: "eu", aws_region: "eu-central-1" },
        "bedrock-us": { ...aws, region: "us", aws_region: "us-east-1" },
        "azure-eu": { ...openai, region: "eu" },
        "azure-us": { ...openai, region: "us" },
      },
      workspaces: {
        clients: { default_region: "eu", keys: [keyEntry("tests", KEY)] },
        overseas: { default_region: "us", keys: [keyEntry("tests", US_KEY)] },
      },
    },
  });
  return {
    url: weir.url,
    key: KEY,
    usKey: US_KEY,
    callsOf: (mark) => [...calls.recent].filter(({ body }) => JSON.stringify(body)?.includes(`<${mark}>`)),
    async stop() {
      await weir.collect();
      await weir.stop();
      await close();
    },
  };
}
