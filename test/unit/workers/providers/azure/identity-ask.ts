/**
 * A process on a machine in Azure: opens an upstream that signs in by managed identity, and makes a request for each line of its input. The line is
 * `call`, or `suspect` after an upstream's 401. Prints one JSON object for each line. The library remembers what it has learned about its machine as
 * long as the process lives, so each machine needs another process.
 */
import { createInterface } from "node:readline";
import { NOTHING_ALONG } from "../../../../../src/contract/call.ts";
import { asGatewayError } from "../../../../../src/contract/errors.ts";
import { azureTakes } from "../../../../../src/providers/azure/takes.ts";
import { openAzure } from "../../../../../workers/providers/azure/azure.ts";
import type { Job } from "../../../../../workers/providers/provider.ts";

const [clientId] = process.argv.slice(2);
const timeouts = { connectMs: 1_000, firstByteMs: 1_000, silenceMs: 1_000, totalMs: 1_000 };
let aheadMs = 0;
const connection = openAzure(
  {
    name: "azure-eu",
    provider: "azure",
    telemetryName: "azure",
    dialect: "openai",
    region: "eu",
    timeouts,
    maxCalls: undefined,
    ca: undefined,
    reserved: [],
    keeping: undefined,
    accepts: undefined,
    settings: {
      endpoint: "https://acme.openai.azure.com",
      api: "v1",
      allowStore: false,
      credentials: { kind: "managed_identity", clientId: clientId || undefined },
      scope: "https://ai.azure.com/.default",
    },
  },
  () => Date.now() + aheadMs,
);
const job: Job = {
  operation: "generate",
  body: '{"model":"gpt-4o","messages":[]}',
  hints: "",
  stream: false,
  model: "gpt-4o",
  upstreamModel: "gpt-4o",
  countModel: undefined,
  accepts: azureTakes("gpt-4o", []),
  isLast: true,
  along: NOTHING_ALONG,
  dropped: "",
  owner: "acme",
  goesOn: false,
};

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "suspect") {
    connection.failure(job, 401, new Map(), "");
    // After the pause between two renewals.
    aheadMs += 10_000;
  }
  try {
    const request = connection.request(job);
    const isAtOnce = !(request instanceof Promise);
    const { headers } = await request;
    const authorization = headers[headers.indexOf("authorization") + 1];
    process.stdout.write(`${JSON.stringify({ authorization, isAtOnce, fetched: connection.fetchedSecrets?.() })}\n`);
  } catch (thrown) {
    const { kind, detail } = asGatewayError(thrown);
    process.stdout.write(`${JSON.stringify({ kind, log: detail.log, message: detail.message })}\n`);
  }
}
process.exit(0);
