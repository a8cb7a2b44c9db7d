/**
 * Bedrock's own controls as headers of an InvokeModel request: those of the configuration, and those that the client may set.
 * Source: AWS, "InvokeModel" (API reference).
 */
import { type CallControls, callControls } from "../../../src/contract/controls.ts";
import { memberValue } from "../../../src/contract/json.ts";
import { isObject } from "../../../src/contract/objects.ts";
import type { BedrockControls } from "../../../src/providers/bedrock/controls.ts";
import { refusal } from "../failure.ts";
import type { Job } from "../provider.ts";

type Headers = Readonly<Record<string, string>>;
export type ControlledJob = Job<object, BedrockControls>;

const GUARDRAIL = "x-amzn-bedrock-guardrailidentifier";
const VERSION = "x-amzn-bedrock-guardrailversion";
const TRACE = "x-amzn-bedrock-trace";
const LATENCY = "x-amzn-bedrock-performanceconfig-latency";
const TIER = "x-amzn-bedrock-service-tier";
const METADATA = "x-amzn-bedrock-request-metadata";
/** Member of the body that says which parts of it a guardrail checks. */
const GUARDRAIL_PARTS = "amazon-bedrock-guardrailConfig";

/** Values that a client may send: they are signed, and become headers. */
const VALUES: Readonly<Record<string, RegExp>> = {
  [GUARDRAIL]: /^[a-z0-9:/-]{1,2048}$/,
  [VERSION]: /^([1-9][0-9]{0,7}|DRAFT)$/,
  [TRACE]: /^(ENABLED|DISABLED|ENABLED_FULL)$/,
  [LATENCY]: /^(standard|optimized)$/,
  [TIER]: /^(default|priority|flex|reserved)$/,
  [METADATA]: /^[\x20-\x7e]{2,8192}$/,
};

const MOST_TAGS = 16;
const TAG_NAME = /^[A-Za-z0-9\s:_@$#=/+,.-]{1,256}$/;
const TAG_VALUE = /^[A-Za-z0-9\s:_@$#=/+,.-]{0,256}$/;

/** Most sets of headers that are kept: one for each configuration of controls, and one by workspace and key where those are tags. */
const MOST_KEPT = 1_000;
const NONE: CallControls = { workspace: "", key: "", headers: {} };

/** Makes the headers of calls. Equal calls get the same object, because signatures are cached by it. */
export class ControlHeaders {
  readonly #kept = new Map<string, Headers>();

  /**
   * @param base - Headers of every such request.
   * @throws GatewayError `invalid_request` for a header that the client may not set to this value.
   */
  of(job: ControlledJob, base: Headers): Headers {
    const { controls, hints } = job;
    // The usual case: neither the operator nor the client sets controls.
    if (controls === undefined && !hints.endsWith("}")) return base;
    const call = callControls(hints) ?? NONE;
    if (hasGuardrail(controls)) refuseOther(job, call);
    const set = { ...configured(controls), ...checked(call.headers) };
    const tags = tagsOf(controls, call);
    if (tags !== "") set[METADATA] = tags;
    const key = JSON.stringify([base, set]);
    let headers = this.#kept.get(key);
    if (headers === undefined) {
      if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
      headers = { ...base, ...set };
      this.#kept.set(key, headers);
    }
    return headers;
  }
}

/** Who has set the guardrail of a call, if any. Only the one who has set it gets its traces. */
export type Guard = "operator" | "client" | undefined;

export function guardOf({ controls, hints }: ControlledJob): Guard {
  if (hasGuardrail(controls)) return "operator";
  return hints.endsWith("}") && callControls(hints)?.headers[GUARDRAIL] !== undefined ? "client" : undefined;
}

function hasGuardrail(controls: BedrockControls | undefined): boolean {
  return controls?.guardrail !== undefined && controls.guardrail !== "off";
}

/** Another guardrail, or none for a part of the request, would guard the call less than the operator wants. */
function refuseOther({ body }: ControlledJob, { headers }: CallControls): void {
  for (const name of [GUARDRAIL, VERSION, TRACE])
    if (headers[name] !== undefined) throw refusal(name, "the guardrail of this model is set by the gateway's operator");
  if (memberValue(body, GUARDRAIL_PARTS) !== undefined)
    throw refusal(
      GUARDRAIL_PARTS,
      "cannot be set by a client, because the guardrail of this model is set by the gateway's operator; leave it out",
    );
}

function configured(controls: BedrockControls | undefined): Record<string, string> {
  const set: Record<string, string> = {};
  if (controls === undefined) return set;
  const { guardrail, latency, service_tier: tier } = controls;
  if (guardrail !== undefined && guardrail !== "off") {
    set[GUARDRAIL] = guardrail.id;
    set[VERSION] = guardrail.version;
    if (guardrail.trace !== undefined) set[TRACE] = guardrail.trace.toUpperCase();
  }
  if (latency !== undefined) set[LATENCY] = latency;
  if (tier !== undefined) set[TIER] = tier;
  return set;
}

/** The client's own headers, without its tags. */
function checked(headers: Headers): Record<string, string> {
  const set: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (VALUES[name]?.test(value) !== true) throw refusal(name, "Bedrock takes no such value");
    if (name !== METADATA) set[name] = value;
  }
  if (set[GUARDRAIL] !== undefined && set[VERSION] === undefined) throw refusal(VERSION, `it goes with ${GUARDRAIL}`);
  if (set[GUARDRAIL] === undefined && set[VERSION] !== undefined) throw refusal(GUARDRAIL, `it goes with ${VERSION}`);
  return set;
}

/** The value of the header for tags; "" where there are none. A client cannot replace the operator's tags: they may say which workspace a call belongs to. */
function tagsOf(controls: BedrockControls | undefined, { workspace, key, headers }: CallControls): string {
  const own = headers[METADATA] === undefined ? {} : clientTags(headers[METADATA]);
  const tags: Record<string, string> = { ...own };
  for (const [name, value] of Object.entries(controls?.request_metadata ?? {}))
    tags[name] = value.replaceAll("{workspace}", workspace).replaceAll("{key}", key).slice(0, 256);
  const count = Object.keys(tags).length;
  if (count > MOST_TAGS) throw refusal(METADATA, `there would be ${count} tags with the operator's, and Bedrock takes ${MOST_TAGS}`);
  return count === 0 ? "" : JSON.stringify(tags);
}

function clientTags(text: string): Record<string, string> {
  const tags = parsed(text);
  const entries = isObject(tags) ? Object.entries(tags) : [];
  const isGood = entries.every(([name, value]) => TAG_NAME.test(name) && typeof value === "string" && TAG_VALUE.test(value));
  if (!isObject(tags) || !isGood) throw refusal(METADATA, "it has to be a JSON object of short texts");
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Undefined for text that is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
