/** One gateway for all clients, with the sandbox's stand-ins in this process so that what reached them can be looked at. */

import type { CallRecord } from "../../../src/sandbox/calls.ts";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { azureIn, bedrockIn } from "../../support/upstreams.ts";
import { keyEntry, startWeir } from "../../support/weir.ts";

const KEY = "weir_clients_Vb5nMq8rTy2wEx";
const US_KEY = "weir_clients_us_Jd3kXs9tWz4q";

export interface Gateway {
  url: string;
  key: string;
  /** The key of a workspace that is at home in `us`. */
  usKey: string;
  /** What the stand-ins have seen of the requests with this mark in their body, in order. */
  callsOf(mark: string): CallRecord[];
  stop(): Promise<void>;
}

/** Its models are those of the catalogue that Weir ships. */
export async function startGateway(): Promise<Gateway> {
  const sandbox = await startSandbox();
  const weir = await startWeir({
    config: {
      workers: 2,
      limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
      upstreams: {
        "bedrock-eu": bedrockIn("eu", sandbox),
        "bedrock-us": bedrockIn("us", sandbox),
        "azure-eu": azureIn("eu", sandbox),
        "azure-us": azureIn("us", sandbox),
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
    callsOf: (mark) => [...sandbox.calls.recent].filter(({ body }) => JSON.stringify(body)?.includes(`<${mark}>`)),
    async stop() {
      await weir.collect();
      await weir.stop();
      await sandbox.close();
    },
  };
}
