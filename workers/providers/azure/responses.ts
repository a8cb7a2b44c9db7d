/**
 * Responses on Azure OpenAI, without anything that Azure would store: a stored answer remains after the call, and every holder of the resource's key
 * can read it by its id. The same is true of stored prompts. An operator may allow both (`allow_store`). Source: the types of openai 7.57.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import {
  editElements,
  editMembers,
  elements,
  hidesWords,
  type Member,
  members,
  memberValue,
  stringValue,
} from "../../../src/contract/json.ts";
import { bareId } from "../../../src/contract/kept.ts";
import { refusal } from "../failure.ts";
import type { Job } from "../provider.ts";
import { type AzureApi, type AzureOperation, deploymentName, leftOut, V1 } from "./operation.ts";
import { ResponsesStream, WholeResponse } from "./responses-reader.ts";
import { Seal } from "./seal.ts";
import { OF_ITEM, reasons, requireRoute, type Takes } from "./takes.ts";

/** Members that need something stored at Azure, with the values that ask for nothing. */
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
      return withoutStrays(editMembers(body, { remove, set: { ...name, ...continued(body, all) } }, all), job, takes);
    }
    refuseState(body);
    const set: Record<string, ByteText> = { ...name, store: "false" };
    // Where nothing is stored, the next turn must send the reasoning of this turn back, so the reasoning is asked for in sealed form.
    if (reasons(takes, job.model, job.upstreamModel)) {
      const include = memberValue(body, "include", all);
      const sealed = withSealed(include);
      if (sealed !== include) set.include = sealed;
    }
    const input = memberValue(body, "input", all);
    const filled = input === undefined ? input : withoutHollow(input);
    if (filled !== undefined && filled !== input) set.input = filled;
    return withoutStrays(editMembers(body, { remove, set }, all), job, takes);
  },

  reader(job, place, keeping) {
    const seal = keeping && new Seal(keeping, job, previousOf(job.body));
    return job.stream ? new ResponsesStream(place, seal) : new WholeResponse(place, seal);
  },
};

/** Makes a long conversation into fewer items with the same content. The items are sealed, and Azure stores nothing. */
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
    return withoutStrays(editMembers(body, { remove: leftOut(job, takes, all), set }, all), job, takes);
  },

  reader: (_job, place) => new WholeResponse(place, undefined),
};

/** The body without members of items that Azure does not know; their names are reported to the client. Every other byte stays. */
function withoutStrays(body: ByteText, job: Job, { without }: Takes): ByteText {
  const isHidden = hidesWords(body);
  const names = without
    .filter((name) => name.startsWith(OF_ITEM) && (isHidden || body.includes(`"${name.slice(OF_ITEM.length)}"`)))
    .map((name) => name.slice(OF_ITEM.length));
  if (names.length === 0) return body;
  const all = members(body);
  const input = memberValue(body, "input", all);
  if (input === undefined) return body;
  const gone = new Set<string>();
  const edited = editElements(input, (item) => {
    const own = members(item);
    const remove = names.filter((name) => own.some(({ key }) => key === name));
    for (const name of remove) gone.add(OF_ITEM + name);
    return remove.length === 0 ? item : editMembers(item, { remove }, own);
  });
  if (gone.size === 0) return body;
  job.dropped = [job.dropped, ...gone].filter((name) => name !== "").join(", ");
  return editMembers(body, { set: { input: edited } }, all);
}

/** The id of the answer that a request continues, as the client has it. */
function previousOf(body: ByteText, all: readonly Member[] = members(body)): string | undefined {
  return stringValue(memberValue(body, "previous_response_id", all) ?? "");
}

/** What to set in a body that continues a kept answer: the id as the resource knows it. The front has checked that the client may do so. */
function continued(body: ByteText, all: readonly Member[]): Record<string, ByteText> {
  const previous = previousOf(body, all);
  return previous === undefined ? {} : { previous_response_id: JSON.stringify(bareId(previous)) };
}

/** @throws GatewayError `invalid_request` where the upstream has a dated API */
function requireV1({ api }: AzureApi): void {
  if (api === V1) return;
  throw new GatewayError("invalid_request", {
    message:
      "The Responses API needs Azure's v1 API, and this model is served by a dated one: use chat completions, or ask the operator to set api: v1.",
  });
}

/** `include`, with the request for sealed reasoning added. */
function withSealed(include: ByteText | undefined): ByteText {
  if (include === undefined || include === "null") return `[${SEALED}]`;
  if (include.includes(SEALED) || !include.startsWith("[")) return include;
  const last = elements(include).at(-1);
  return last === undefined ? `[${SEALED}]` : `${include.slice(0, last.end)},${SEALED}${include.slice(last.end)}`;
}

/**
 * The input without empty reasoning items. Clients send back what they got: where Weir has turned storing off, a reasoning item without sealed
 * content holds only an id (maximhq/bifrost#6382). The Vercel AI SDK 6 and 7 refer to reasoning by its id unless `store` is false in their own
 * settings, and send everything else in full.
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
  // A text may quote the word; and with two members of one name it is not known which one the upstream takes.
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

/** Whether a reference is to a reasoning item, by the item's id. Without such a reference the conversation loses no text. */
function isThought(reference: ByteText): boolean {
  return stringValue(memberValue(reference, "id") ?? "")?.startsWith("rs_") === true;
}
