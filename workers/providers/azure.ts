/** Azure OpenAI: chat completions under the v1 API or a dated one, with a key or a token of Entra ID. Source: `wire.md` §2. */
import { type ByteText, encodeUtf8 } from "../../src/contract/bytes.ts";
import type { Upstream } from "../../src/contract/config.ts";
import { editMembers, editNested, memberValue } from "../../src/contract/json.ts";
import type { HttpHeaders } from "../wire/http.ts";
import { azureFailure } from "./azure-errors.ts";
import { AzureStream, azureAnswer } from "./azure-reader.ts";
import { type EntraCredentials, entraTokens } from "./entra.ts";
import { addressOf } from "./origin.ts";
import type { Connection, Job, Provider } from "./provider.ts";

/** As `src/providers/azure.ts` resolves them. */
interface AzureSettings {
  endpoint: string;
  /** `v1`, or a dated api-version. */
  api: string;
  credentials: { kind: "key"; apiKey: string } | EntraCredentials;
  scope: string;
}

const V1 = "v1";

export const azure: Provider = {
  open: (upstream) => openAzure(upstream),
};

/** `nowMs` is the clock that tokens expire by. */
export function openAzure(upstream: Upstream, nowMs: () => number = Date.now): Connection {
  const { endpoint, api, credentials, scope } = upstream.settings as unknown as AzureSettings;
  const { origin, host, base } = addressOf(upstream, endpoint);
  const tokens = credentials.kind === "key" ? undefined : entraTokens(upstream.name, credentials, scope, nowMs);
  const key = credentials.kind === "key" ? ["api-key", credentials.apiKey] : [];
  const place = (job: Job) => ({ upstream: upstream.name, deployment: job.upstreamModel });

  const path = (job: Job) =>
    api === V1
      ? `${base}/openai/v1/chat/completions`
      : `${base}/openai/deployments/${encodeURIComponent(job.upstreamModel)}/chat/completions?api-version=${encodeURIComponent(api)}`;

  return {
    request(job) {
      const write = (authorization: string[]) => ({
        origin,
        method: "POST" as const,
        path: path(job),
        headers: [
          "host",
          host,
          "content-type",
          "application/json",
          "accept",
          job.stream ? "text/event-stream" : "application/json",
          ...authorization,
        ],
        body: azureBody(job, api === V1),
      });
      if (tokens === undefined) return write(key);
      const token = tokens.get();
      return token instanceof Promise ? token.then((ready) => write(bearer(ready))) : write(bearer(token));
    },

    reader: (job) => (job.stream ? new AzureStream(place(job), asksForUsage(job.body)) : azureAnswer(place(job))),

    failure(job, status, headers, body) {
      // A token that was revoked before its time: the next call fetches a new one.
      if (status === 401) tokens?.suspect();
      return azureFailure(place(job), status, headers, body, nowMs());
    },

    upstreamRequestId: (headers: HttpHeaders) => headers.get("apim-request-id") ?? headers.get("x-request-id") ?? "",
  };
}

function bearer(token: string): string[] {
  return ["authorization", `Bearer ${token}`];
}

/** The client's body with what Azure needs otherwise; every other byte as it came. */
export function azureBody(job: Job, namesDeployment: boolean): ByteText {
  const { body, stream, upstreamModel } = job;
  // LangChain's "not set".
  const remove = Number(memberValue(body, "top_p")) === -1 ? ["top_p"] : [];
  // Refused beside `stream: false`.
  if (!stream) remove.push("stream_options");
  const set: Record<string, ByteText> = namesDeployment ? { model: encodeUtf8(JSON.stringify(upstreamModel)) } : {};
  const edited = editMembers(body, { remove, set });
  // Without it a stream does not tell what it cost; clients that did not ask are not shown it.
  return stream ? editNested(edited, "stream_options", { set: { include_usage: "true" } }) : edited;
}

function asksForUsage(body: ByteText): boolean {
  const options = memberValue(body, "stream_options");
  return options !== undefined && memberValue(options, "include_usage") === "true";
}
