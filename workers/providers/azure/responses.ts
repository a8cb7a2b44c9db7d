/**
 * Responses on Azure OpenAI, without anything that Azure would keep: an answer that is stored outlives the call, and its id would be good for
 * every holder of the resource's key, as is that of a prompt that is kept there. An operator may allow it (`allow_store`). Source: `wire.md` §2, the types of openai 7.57.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { editMembers, elements, hidesWords, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import { type AzureOperation, deploymentName, V1 } from "./operation.ts";
import { azureResponse, ResponsesStream } from "./responses-reader.ts";

/** Members that need what Azure has kept, with the values that ask for nothing. */
const STATEFUL: Readonly<Record<string, readonly ByteText[]>> = {
  previous_response_id: ["null"],
  conversation: ["null"],
  background: ["null", "false"],
  prompt: ["null"],
};
const INSTEAD: Readonly<Record<string, string>> = {
  previous_response_id: "send the whole conversation as input",
  conversation: "send the whole conversation as input",
  background: "wait for the answer, or stream it",
  prompt: "send its text as instructions and input",
};
const REFERENCE = "item_reference";

export const azureResponses: AzureOperation = {
  path: "responses",

  body(job, api) {
    if (api.api !== V1) {
      throw new GatewayError("invalid_request", {
        message:
          "The Responses API needs Azure's v1 API, and this model is served by a dated one: use chat completions, or ask the operator to set api: v1.",
      });
    }
    if (!api.allowStore) refuseState(job.body);
    const name = deploymentName(job, api);
    return editMembers(job.body, { set: api.allowStore ? name : { ...name, store: "false" } });
  },

  reader: (job, place) => (job.stream ? new ResponsesStream(place) : azureResponse(place)),
};

function refuseState(body: ByteText): void {
  for (const [name, harmless] of Object.entries(STATEFUL)) {
    const value = memberValue(body, name);
    if (value !== undefined && !harmless.includes(value))
      throw refusal(name, `is not available, because nothing is stored here; ${INSTEAD[name]}`);
  }
  const input = memberValue(body, "input") ?? "";
  if (!input.includes(REFERENCE) && !hidesWords(input)) return;
  // A text may quote the word; and of two members of one name nobody knows which the upstream takes.
  const index = elements(input).findIndex(({ start, end }) => isReference(input.slice(start, end)));
  if (index < 0) return;
  const how = "send the item itself (in the Vercel AI SDK: providerOptions.openai.store = false)";
  throw refusal(`input[${index}].type`, `an item cannot be referred to, because answers are not stored here; ${how}`);
}

function isReference(item: ByteText): boolean {
  return members(item).some(({ key, start, end }) => key === "type" && stringValue(item.slice(start, end)) === REFERENCE);
}

function refusal(param: string, text: string): GatewayError {
  return new GatewayError("invalid_request", { message: `${param}: ${text}`, param });
}
