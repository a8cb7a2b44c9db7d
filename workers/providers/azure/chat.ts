/** Chat completions on Azure OpenAI. Source: `wire.md` §2. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { editMembers, editNested, type Member, members, memberValue } from "../../../src/contract/json.ts";
import type { Job } from "../provider.ts";
import { type AzureOperation, deploymentName, leftOut } from "./operation.ts";
import { AzureStream, azureAnswer } from "./reader.ts";
import { requireRoute } from "./routes.ts";
import { type Takes, takesMaxTokens } from "./takes.ts";

export const azureChat: AzureOperation = {
  path: "chat/completions",

  body(job, api, takes) {
    requireRoute(job, takes, "routes.chat");
    const { body, stream } = job;
    const all = members(body);
    if (!api.allowStore) refuseStore(memberValue(body, "store", all));
    // LangChain's value for "not set".
    const remove = leftOut(job, takes, all);
    if (Number(memberValue(body, "top_p", all)) === -1) remove.push("top_p");
    // Azure refuses it beside `stream: false`.
    if (!stream) remove.push("stream_options");
    const rename: Record<string, string> = {};
    const [from, to] = limitName(job, takes);
    if (from !== "" && isGiven(body, from, all) && !isGiven(body, to, all)) {
      remove.push(to);
      rename[from] = to;
    }
    const edited = editMembers(body, { remove, rename, set: deploymentName(job, api) }, all);
    // Without it a stream does not report its usage; a client that did not ask for usage does not get it.
    return stream ? editNested(edited, "stream_options", { set: { include_usage: "true" } }) : edited;
  },

  reader: (job, place) => (job.stream ? new AzureStream(place, asksForUsage(job.body)) : azureAnswer(place)),
};

/** The member for the answer's limit, its name here and its new one; "" where both names may stay. */
function limitName({ model, upstreamModel }: Job, takes: Takes): [string, string] {
  if (!takesMaxTokens(takes, model, upstreamModel)) return ["max_tokens", "max_completion_tokens"];
  return takes.rename.max_completion_tokens === undefined ? ["", ""] : ["max_completion_tokens", "max_tokens"];
}

/** Stored answers can be listed and read with any key of the resource, and other clients use the resource too. */
function refuseStore(store: ByteText = "null"): void {
  if (store === "null" || store === "false") return;
  throw new GatewayError("invalid_request", {
    message: "store: is not available, because nothing is stored here; leave it out",
    param: "store",
  });
}

function isGiven(body: ByteText, name: string, all: readonly Member[]): boolean {
  return (memberValue(body, name, all) ?? "null") !== "null";
}

function asksForUsage(body: ByteText): boolean {
  const options = memberValue(body, "stream_options");
  return options !== undefined && memberValue(options, "include_usage") === "true";
}
