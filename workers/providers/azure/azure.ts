/** Azure OpenAI under the v1 API or a dated one, with a key or a token of Entra ID. Source: learn.microsoft.com, "Azure OpenAI in Microsoft Foundry Models v1 API". */
import type { Upstream } from "../../../src/contract/config.ts";
import type { CallOperation } from "../../../src/contract/dialect.ts";
import type { AzureSettings } from "../../../src/providers/azure/settings.ts";
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import type { HttpHeaders } from "../../wire/http.ts";
import { operationIn } from "../failure.ts";
import { addressOf } from "../origin.ts";
import type { Adapter, Job, Provider, Pupil } from "../provider.ts";
import { Fetched } from "../secrets.ts";
import { azureChat } from "./chat.ts";
import { azureEmbeddings } from "./embeddings.ts";
import { entraTokens } from "./entra.ts";
import { azureFailure, refusalWords } from "./errors.ts";
import { azureKeptAnswer, azureKeptCancel, azureKeptDelete, azureKeptInput, azureKeptUsage } from "./kept.ts";
import { Lessons } from "./lessons.ts";
import { managedIdentityTokens } from "./managed-identity.ts";
import { type AzureOperation, V1 } from "./operation.ts";
import { azureCompact, azureResponses } from "./responses.ts";
import type { Tokens } from "./tokens.ts";

/** Headers of requests, kept as long as a token is valid. */
interface Headers {
  /** The access token; "" where a key is used. */
  token: string;
  answer: readonly string[];
  stream: readonly string[];
}

const operations: Partial<Record<CallOperation, AzureOperation>> = {
  generate: azureChat,
  responses: azureResponses,
  compact: azureCompact,
  embeddings: azureEmbeddings,
  kept_answer: azureKeptAnswer,
  kept_input: azureKeptInput,
  kept_delete: azureKeptDelete,
  kept_cancel: azureKeptCancel,
  kept_usage: azureKeptUsage,
};

/** The name of the service in messages for clients. */
const SERVICE = "Azure OpenAI";

export const azure: Provider<AzureSettings> = {
  open: (upstream) => openAzure(upstream),

  secrets({ credentials, storeSecret, storeSecretBefore }) {
    const seals = [storeSecret, storeSecretBefore].filter((secret) => secret !== undefined);
    if (credentials.kind === "key") return [credentials.apiKey, ...seals];
    return credentials.kind === "client_secret" ? [credentials.clientSecret, ...seals] : seals;
  },
};

/** `nowMs`: clock by which tokens expire, in milliseconds since 1970. */
export function openAzure(upstream: Upstream<AzureSettings>, nowMs: () => number = Date.now): Adapter {
  const { settings } = upstream;
  const { endpoint, api, credentials } = settings;
  const { origin, host, base } = addressOf(upstream, endpoint);
  const tokens = tokensOf(upstream, nowMs);
  const place = (job: Job) => ({ upstream: upstream.name, deployment: job.upstreamModel, model: job.model, operation: job.operation });

  const path = (job: Job, below: string) =>
    api === V1
      ? `${base}/openai/v1/${below}`
      : `${base}/openai/deployments/${encodeURIComponent(job.upstreamModel)}/${below}?api-version=${encodeURIComponent(api)}`;

  const headersFor = (token: string): Headers => {
    const authorization = credentials.kind === "key" ? ["api-key", credentials.apiKey] : ["authorization", `Bearer ${token}`];
    const accepting = (type: string) =>
      Object.freeze(["host", host, "content-type", "application/json", "accept", type, ...authorization] as const);
    return { token, answer: accepting("application/json"), stream: accepting("text/event-stream") };
  };
  const lessons = new Lessons(upstream.name);
  let current = headersFor("");
  const fetched = new Fetched();
  const headers = ({ stream }: Job, token: string) => {
    if (current.token !== token) {
      current = headersFor(token);
      fetched.replace([token]);
    }
    return stream ? current.stream : current.answer;
  };

  return {
    origin,
    request(job: Job<AzureAccepts>) {
      const operation = operationIn(operations, job.operation, SERVICE);
      job.dropped = "";
      job.goesOn = false;
      const takes = lessons.takes(job);
      job.takes = takes;
      const body = operation.body(job, settings, takes);
      const write = (token: string) => ({
        origin,
        method: operation.method ?? "POST",
        path: path(job, typeof operation.path === "string" ? operation.path : operation.path(job)),
        headers: headers(job, token),
        body,
      });
      const token = tokens === undefined ? "" : tokens.get();
      return token instanceof Promise ? token.then(write) : write(token);
    },

    reader: (job) => operationIn(operations, job.operation, SERVICE).reader(job, place(job), upstream.keeping),

    failure(job, status, headers, body) {
      // The token may have been revoked before its time: the next call fetches a new one.
      if (status === 401) tokens?.suspect();
      return azureFailure(place(job), status, headers, body, nowMs());
    },

    lesson: (job: Job<AzureAccepts>, status, body) => (status === 400 ? lessons.learn(job, refusalWords(body)) : undefined),
    taught: (pupil: Pupil<AzureAccepts>, taught, forMs) => lessons.taught(pupil, taught, forMs),

    upstreamRequestId: (headers: HttpHeaders) => headers.get("apim-request-id") ?? headers.get("x-request-id") ?? "",
    fetchedSecrets: () => fetched.secrets,
  };
}

function tokensOf({ name, settings: { credentials, scope } }: Upstream<AzureSettings>, nowMs: () => number): Tokens | undefined {
  if (credentials.kind === "key") return undefined;
  if (credentials.kind === "managed_identity") return managedIdentityTokens(name, credentials, scope, nowMs);
  return entraTokens(name, credentials, scope, nowMs);
}
