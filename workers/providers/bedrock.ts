/** Anthropic's models on AWS Bedrock: InvokeModel and InvokeModelWithResponseStream, signed or with a Bedrock API key. */
import type { Upstream } from "../../src/contract/config.ts";
import type { HttpHeaders, HttpRequest } from "../wire/http.ts";
import { type AwsIdentity, createSigner } from "../wire/sigv4.ts";
import { type AwsCredentials, awsIdentities } from "./aws-credentials.ts";
import { bedrockBody } from "./bedrock-body.ts";
import { bedrockFailure } from "./bedrock-errors.ts";
import { BedrockStream, bedrockAnswer } from "./bedrock-reader.ts";
import { addressOf } from "./origin.ts";
import type { Connection, Job, Provider } from "./provider.ts";

/** As `src/providers/bedrock.ts` resolves them. */
interface BedrockSettings {
  awsRegion: string;
  endpoint: string;
  credentials: AwsCredentials | { kind: "bearer"; token: string };
  betas?: string[];
}

export const bedrock: Provider = {
  open: (upstream) => openBedrock(upstream),
};

/** `nowMs` is the clock that signatures and expiries go by. */
export function openBedrock(upstream: Upstream, nowMs: () => number = Date.now): Connection {
  const settings = upstream.settings as unknown as BedrockSettings;
  const { credentials, awsRegion } = settings;
  const { origin, host, base } = addressOf(upstream, settings.endpoint);
  const furtherBetas = new Set(settings.betas);
  const identities = credentials.kind === "bearer" ? undefined : awsIdentities(upstream.name, awsRegion, credentials, nowMs);
  const signer = createSigner(awsRegion, "bedrock");
  const bearer = credentials.kind === "bearer" ? `Bearer ${credentials.token}` : "";
  const place = (job: Job) => ({ upstream: upstream.name, upstreamModel: job.upstreamModel });

  const signed = async (identity: AwsIdentity, request: HttpRequest, headers: Record<string, string>): Promise<HttpRequest> => {
    const { method, path, body } = request;
    const all = await signer.sign(identity, { method, host, path, headers, body }, nowMs());
    return { ...request, headers: Object.entries(all).flat() };
  };

  return {
    request(job) {
      const path = `${base}/model/${escapeId(job.upstreamModel)}/${job.stream ? "invoke-with-response-stream" : "invoke"}`;
      const accept = job.stream ? "x-amzn-bedrock-accept" : "accept";
      const headers = { "content-type": "application/json", [accept]: "application/json" };
      const request: HttpRequest = { origin, method: "POST", path, headers: [], body: bedrockBody(job, furtherBetas) };
      if (identities === undefined)
        return { ...request, headers: ["host", host, ...Object.entries(headers).flat(), "authorization", bearer] };
      const identity = identities.get();
      if (identity instanceof Promise) return identity.then((ready) => signed(ready, request, headers));
      return signed(identity, request, headers);
    },

    reader: (job) => (job.stream ? new BedrockStream(place(job), job.model) : bedrockAnswer(place(job), job.model)),

    failure(job, status, headers, body) {
      const error = bedrockFailure(place(job), status, headers, body);
      // Keys that were rotated before their time: the next call looks for new ones.
      if (error.kind === "misconfigured" && (status === 401 || status === 403)) identities?.suspect();
      return error;
    },

    upstreamRequestId: (headers: HttpHeaders) => headers.get("x-amzn-requestid") ?? "",
  };
}

/** As AWS's own SDKs write a model id into the path: everything but unreserved characters escaped, slashes and colons too. */
function escapeId(id: string): string {
  return encodeURIComponent(id).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
