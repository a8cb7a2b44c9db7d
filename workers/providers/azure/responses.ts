/**
 * Responses on Azure OpenAI, without anything that Azure would keep: an answer that is stored outlives the call, and its id would be good for
 * every holder of the resource's key, as is that of a prompt that is kept there. An operator may allow it (`allow_store`). Source: `wire.md` §2, the types of openai 7.57.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { editMembers, elements, hidesWords, type Member, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import { bareId } from "../../../src/contract/kept.ts";
import { type AzureApi, type AzureOperation, deploymentName, leftOut, V1 } from "./operation.ts";
import { ResponsesStream, WholeResponse } from "./responses-reader.ts";
import { requireRoute } from "./routes.ts";
import { Seal } from "./seal.ts";
import { reasons } from "./takes.ts";

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
const SEALED = '"reasoning.encrypted_content"';
const REFERENCE = "item_reference";

export const azureResponses: AzureOperation = {
  path: "responses",

  body(job, api, takes) {
    requireRoute(job, takes, "routes.responses");
    requireV1(api);
    const { body } = job;
    const all = members(body);
    const remove = leftOut(job, takes, all);
    const name = deploymentName(job, api);
    if (api.allowStore) {
      job.goesOn = memberValue(body, "background", all) === "true";
      return editMembers(body, { remove, set: { ...name, ...continued(body, all) } }, all);
    }
    refuseState(body);
    const set: Record<string, ByteText> = { ...name, store: "false" };
    // Where nothing is kept, the next turn has to bring the thoughts of this one along: sealed, as they can be had.
    if (reasons(takes, job.model, job.upstreamModel)) {
      const include = memberValue(body, "include", all);
      const sealed = withSealed(include);
      if (sealed !== include) set.include = sealed;
    }
    const input = memberValue(body, "input", all);
    const filled = input === undefined ? input : withoutHollow(input);
    if (filled !== undefined && filled !== input) set.input = filled;
    return editMembers(body, { remove, set }, all);
  },

  reader(job, place, keeping) {
    const seal = keeping && new Seal(keeping, job, previousOf(job.body));
    return job.stream ? new ResponsesStream(place, seal) : new WholeResponse(place, seal);
  },
};

/** A conversation that has become long, as items that say the same in less: they are sealed, and nothing of it is kept. */
export const azureCompact: AzureOperation = {
  path: "responses/compact",

  body(job, api, takes) {
    requireV1(api);
    requireRoute(job, takes, "routes.responses");
    const { body } = job;
    const all = members(body);
    const set: Record<string, ByteText> = { ...deploymentName(job, api) };
    if (api.allowStore) Object.assign(set, continued(body, all));
    else refuseState(body);
    const input = memberValue(body, "input", all);
    if (!api.allowStore && input !== undefined) set.input = withoutHollow(input);
    return editMembers(body, { remove: leftOut(job, takes, all), set }, all);
  },

  reader: (_job, place) => new WholeResponse(place, undefined),
};

/** The id of the answer that a request goes on from, as the client has it. */
function previousOf(body: ByteText, all: readonly Member[] = members(body)): string | undefined {
  return stringValue(memberValue(body, "previous_response_id", all) ?? "");
}

/** What to set in a body that goes on from a kept answer: the id as the resource knows it. That the client may was checked by the front. */
function continued(body: ByteText, all: readonly Member[]): Record<string, ByteText> {
  const previous = previousOf(body, all);
  return previous === undefined ? {} : { previous_response_id: JSON.stringify(bareId(previous)) };
}

/** @throws GatewayError `invalid_request` */
function requireV1({ api }: AzureApi): void {
  if (api === V1) return;
  throw new GatewayError("invalid_request", {
    message:
      "The Responses API needs Azure's v1 API, and this model is served by a dated one: use chat completions, or ask the operator to set api: v1.",
  });
}

/** `include` with the sealed thoughts asked for. */
function withSealed(include: ByteText | undefined): ByteText {
  if (include === undefined || include === "null") return `[${SEALED}]`;
  if (include.includes(SEALED) || !include.startsWith("[")) return include;
  const last = elements(include).at(-1);
  return last === undefined ? `[${SEALED}]` : `${include.slice(0, last.end)},${SEALED}${include.slice(last.end)}`;
}

/**
 * The input without thoughts that hold nothing: clients send back what they were given, and where Weir has turned storing off there is only an id in
 * those of an answer that was made without seals (maximhq/bifrost#6382). The Vercel AI SDK 6 and 7 refer to thoughts by their id unless `store` is false
 * there, and send all else in full.
 */
function withoutHollow(input: ByteText): ByteText {
  if (!input.startsWith("[") || !(input.includes('"reasoning"') || input.includes(REFERENCE) || hidesWords(input))) return input;
  const all = elements(input).map(({ start, end }) => input.slice(start, end));
  const kept = all.filter((item) => !isHollow(item));
  return kept.length === all.length ? input : `[${kept.join(",")}]`;
}

function isHollow(item: ByteText): boolean {
  if (!item.includes('"reasoning"') && !item.includes(REFERENCE) && !hidesWords(item)) return false;
  const all = members(item);
  const value = (name: string) => memberValue(item, name, all) ?? "null";
  const type = stringValue(value("type"));
  if (type === REFERENCE) return isThought(item);
  if (type !== "reasoning") return false;
  return value("encrypted_content") === "null" && /^(?:null|\[\s*\])$/.test(value("content"));
}

function refuseState(body: ByteText): void {
  for (const [name, harmless] of Object.entries(STATEFUL)) {
    const value = memberValue(body, name);
    if (value !== undefined && !harmless.includes(value))
      throw refusal(name, `is not available, because nothing is stored here; ${INSTEAD[name]}`);
  }
  const input = memberValue(body, "input") ?? "";
  if (!input.includes(REFERENCE) && !hidesWords(input)) return;
  // A text may quote the word; and of two members of one name nobody knows which the upstream takes.
  const index = elements(input).findIndex(({ start, end }) => {
    const item = input.slice(start, end);
    return isReference(item) && !isThought(item);
  });
  if (index < 0) return;
  const how = "send the item itself (in the Vercel AI SDK: providerOptions.openai.store = false)";
  throw refusal(`input[${index}].type`, `an item cannot be referred to, because answers are not stored here; ${how}`);
}

function isReference(item: ByteText): boolean {
  return members(item).some(({ key, start, end }) => key === "type" && stringValue(item.slice(start, end)) === REFERENCE);
}

/** Whether a reference is one to a thought, by its id; nothing that was said is lost with it. */
function isThought(reference: ByteText): boolean {
  return stringValue(memberValue(reference, "id") ?? "")?.startsWith("rs_") === true;
}

function refusal(param: string, text: string): GatewayError {
  return new GatewayError("invalid_request", { message: `${param}: ${text}`, param });
}
