/** Anthropic's models on AWS Bedrock, signed or with a Bedrock API key. */
import type { Upstream } from "../../../src/contract/config.ts";
import type { BedrockControls } from "../../../src/providers/bedrock/controls.ts";
import type { BedrockSettings } from "../../../src/providers/bedrock/settings.ts";
import type { BedrockAccepts } from "../../../src/providers/bedrock/takes.ts";
import { remembered } from "../../remembered.ts";
import type { HttpHeaders, HttpRequest } from "../../wire/http.ts";
import { type AwsIdentity, createSigner, type UnsignedRequest } from "../../wire/sigv4.ts";
import { operationIn } from "../failure.ts";
import { upstreamAddress } from "../origin.ts";
import type { Adapter, Job, LessonTarget, Provider } from "../provider.ts";
import { FetchedSecrets } from "../secrets.ts";
import { ControlHeaders } from "./controls.ts";
import { awsIdentities } from "./credentials.ts";
import { bedrockFailure, refusalWords } from "./errors.ts";
import { BedrockLessons } from "./lessons.ts";
import { bedrockOperations } from "./operations.ts";

/** The name of the service in messages for clients. */
const SERVICE = "AWS Bedrock";

export const bedrock: Provider<BedrockSettings> = {
  open: (upstream) => openBedrock(upstream),

  secrets({ credentials }) {
    if (credentials.kind === "bearer") return [credentials.token];
    if (credentials.kind !== "static") return [];
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    return [accessKeyId, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])];
  },
};

/** `nowMs`: clock of signatures and expiry, in milliseconds since 1970. */
export function openBedrock(upstream: Upstream<BedrockSettings>, nowMs: () => number = Date.now): Adapter {
  const { settings } = upstream;
  const { credentials, awsRegion } = settings;
  const { origin, host, base } = upstreamAddress(upstream, settings.endpoint);
  const lessons = new BedrockLessons(upstream.name);
  const identities = credentials.kind === "bearer" ? undefined : awsIdentities(upstream.name, awsRegion, credentials, nowMs);
  const signer = createSigner(awsRegion, "bedrock");
  const bearer = credentials.kind === "bearer" ? `Bearer ${credentials.token}` : "";
  const place = (job: Job) => ({ upstream: upstream.name, upstreamModel: job.upstreamModel });

  const controlHeaders = new ControlHeaders();
  const fetched = new FetchedSecrets();
  let current: AwsIdentity | undefined;

  const signed = (identity: AwsIdentity, request: UnsignedRequest): HttpRequest => {
    if (identity !== current) {
      current = identity;
      // Secrets of the configuration are known already.
      if (credentials.kind !== "static") fetched.replace([identity.accessKeyId, identity.secretAccessKey, identity.sessionToken]);
    }
    const { method, path, body } = request;
    const { headers, further } = signer.sign(identity, request, nowMs());
    return { origin, method, path, headers, further, body };
  };

  /** One frozen list for all requests with the same headers. */
  const bearerLists = new WeakMap<object, readonly string[]>();
  const withBearer = (headers: Readonly<Record<string, string>>): readonly string[] => {
    let list = bearerLists.get(headers);
    if (list === undefined) {
      list = Object.freeze(["host", host, ...Object.entries(headers).flat(), "authorization", bearer]);
      bearerLists.set(headers, list);
    }
    return list;
  };

  return {
    origin,
    request(job: Job<BedrockAccepts, BedrockControls>) {
      const operation = operationIn(bedrockOperations, job.operation, SERVICE);
      const path = `${base}/model/${escapeId(operation.model(job))}/${operation.action(job)}`;
      const headers = operation.headers(job, controlHeaders);
      const takes = lessons.takes(job);
      const { body, betas, dropped } = operation.body(job, takes);
      job.takes = takes;
      job.dropped = dropped;
      if (betas.length > 0) lessons.sent(job, betas);
      if (identities === undefined) return { origin, method: "POST", path, headers: withBearer(headers), body };
      const request: UnsignedRequest = { method: "POST", host, path, headers, body };
      const identity = identities.get();
      if (identity instanceof Promise) return identity.then((ready) => signed(ready, request));
      return signed(identity, request);
    },

    reader(job: Job<BedrockAccepts, BedrockControls>) {
      lessons.answered(job);
      return operationIn(bedrockOperations, job.operation, SERVICE).reader(job, place(job));
    },

    lesson: (job: Job<BedrockAccepts>, status, body) => (status === 400 ? lessons.learn(job, refusalWords(body)) : undefined),
    taught: (target: LessonTarget<BedrockAccepts>, taught, forMs) => lessons.taught(target, taught, forMs),

    failure(job, status, headers, body) {
      const error = bedrockFailure(place(job), status, headers, body);
      // The keys may have been replaced before their time: the next call looks for new ones.
      if (error.kind === "misconfigured" && (status === 401 || status === 403)) identities?.suspect();
      return error;
    },

    upstreamRequestId: (headers: HttpHeaders) => headers.get("x-amzn-requestid") ?? "",
    fetchedSecrets: () => fetched.secrets,
  };
}

/** A model id in a path, as AWS's own SDKs write it: everything but unreserved characters is escaped, slashes and colons too. */
const escapeId = remembered((id) =>
  encodeURIComponent(id).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`),
);
