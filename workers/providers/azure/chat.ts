/** Chat completions on Azure OpenAI. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, editNested, type Member, members, memberValue } from "../../../src/contract/json.ts";
import { refusal } from "../failure.ts";
import type { Job } from "../provider.ts";
import { AzureStream, azureAnswer } from "./chat-reader.ts";
import { type AzureOperation, deploymentName, leftOut } from "./operation.ts";
import { requireRoute, type Takes, takesMaxTokens } from "./takes.ts";

export const azureChat: AzureOperation = {
  path: "chat/completions",

  body(job, api, takes) {
    requireRoute(job, takes, "routes.chat");
    const { body, stream } = job;
    const all = members(body);
    if (!api.allowStore) refuseStore(memberValue(body, "store", all));
    const remove = leftOut(job, takes, all);
    // LangChain's value for "not set".
    if (Number(memberValue(body, "top_p", all)) === -1) remove.push("top_p");
    // Refused without a stream (BerriAI/litellm#5803).
    if (!stream) remove.push("stream_options");
    const rename: Record<string, string> = {};
    const [from, to] = limitName(job, takes);
    if (from !== "" && isGiven(body, from, all) && !isGiven(body, to, all)) {
      remove.push(to);
      rename[from] = to;
    }
    const edited = editMembers(body, { remove, rename, set: deploymentName(job, api) }, all);
    // Without this option a stream does not report its usage. The reader removes the usage for a client that did not ask for it.
    return stream ? editNested(edited, "stream_options", { set: { include_usage: "true" } }) : edited;
  },

  reader: (job, place) => (job.stream ? new AzureStream(place, asksForUsage(job.body)) : azureAnswer(place)),
};

/** The two names of the answer's limit: the one that the model refuses, and the one that it takes; both "" where either name may stay. */
function limitName({ model, upstreamModel }: Job, takes: Takes): [string, string] {
  if (!takesMaxTokens(takes, model, upstreamModel)) return ["max_tokens", "max_completion_tokens"];
  return takes.rename.max_completion_tokens === undefined ? ["", ""] : ["max_completion_tokens", "max_tokens"];
}

/** Stored answers can be listed and read with any key of the resource, and other clients use the resource too. */
function refuseStore(store: ByteText = "null"): void {
  if (store === "null" || store === "false") return;
  throw refusal("store", "is not available, because nothing is stored here; leave it out");
}

function isGiven(body: ByteText, name: string, all: readonly Member[]): boolean {
  return (memberValue(body, name, all) ?? "null") !== "null";
}

function asksForUsage(body: ByteText): boolean {
  const options = memberValue(body, "stream_options");
  return options !== undefined && memberValue(options, "include_usage") === "true";
}
