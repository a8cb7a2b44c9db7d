/**
 * Checks the headers of Bedrock's own controls (guardrail, trace, latency, tier, tags) as InvokeModel does. Sources: AWS, API reference "InvokeModel"
 * (names, lengths, values) and "Use a guardrail"; github boto/botocore, bedrock-runtime service-2.json.
 */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, parseJson } from "../json.ts";
import { validation } from "./errors.ts";

/** The guardrail that checks a call. */
export interface Guardrail {
  id: string;
  version: string;
  /** The answer shows what the guardrail has found. */
  hasTrace: boolean;
}

const PREFIX = "x-amzn-bedrock-";
const ENUMS: Readonly<Record<string, readonly string[]>> = {
  trace: ["ENABLED", "DISABLED", "ENABLED_FULL"],
  "performanceconfig-latency": ["standard", "optimized"],
  "service-tier": ["priority", "default", "flex", "reserved"],
};
/** The form of a guardrail's id. Every id of this form exists, except `missing`. */
const GUARDRAIL_ID = /^(|([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail\/[a-z0-9]+))$/;
const MISSING = "missing";
const VERSION = /^(([1-9][0-9]{0,7})|(DRAFT))$/;
const MOST_TAGS = 16;
const TAG = /^[a-zA-Z0-9\s:_@$#=/+,.-]*$/;
const CONFIG = "amazon-bedrock-guardrailConfig";
/** The answer to a blocked question. The owner of a real guardrail sets this text. */
export const BLOCKED = "This question cannot be answered here.";

/**
 * @returns the guardrail that checks the call; undefined where none does
 * @throws Refusal 400 for a header that the service refuses
 */
export function checkControls(headers: Readonly<Record<string, string>>, body: JsonObject): Guardrail | undefined {
  const value = (name: string): string | undefined => headers[PREFIX + name];
  for (const [name, values] of Object.entries(ENUMS)) {
    const given = value(name);
    if (given !== undefined && !values.includes(given))
      throw constraint(name, given, `Member must satisfy enum value set: [${values.join(", ")}]`);
  }
  checkMetadata(value("request-metadata"));
  const id = value("guardrailidentifier");
  const version = value("guardrailversion");
  if (id === undefined) {
    if (version !== undefined) throw validation("The guardrail identifier is required when the guardrail version is given.");
    if (body[CONFIG] !== undefined) throw validation(`${CONFIG} was given without a guardrail identifier.`);
    return undefined;
  }
  if (!GUARDRAIL_ID.test(id)) throw constraint("guardrailIdentifier", id, "Member must satisfy regular expression pattern");
  if (version === undefined) throw validation("The guardrail version is required when the guardrail identifier is given.");
  if (!VERSION.test(version)) throw constraint("guardrailVersion", version, "Member must satisfy regular expression pattern");
  if (id === MISSING) throw validation("The guardrail identifier or version provided in the request does not exist.");
  return { id, version, hasTrace: value("trace")?.startsWith("ENABLED") === true };
}

function checkMetadata(text: string | undefined): void {
  if (text === undefined) return;
  const tags = parsed(text);
  const entries = isObject(tags) ? Object.entries(tags) : [];
  const isGood = entries.every(
    ([name, tag]) => name !== "" && name.length <= 256 && TAG.test(name) && typeof tag === "string" && tag.length <= 256 && TAG.test(tag),
  );
  if (!isObject(tags) || entries.length > MOST_TAGS || !isGood) throw validation("The provided request metadata is invalid.");
}

/** The value of a header; undefined where it is no JSON, which is refused like any other value that is no object. */
function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** The members that a guardrail adds to a whole answer, or to each event of a stream. The trace is only in the last event. */
export function guardrailMembers(guardrail: Guardrail, hasIntervened: boolean, isLast: boolean): JsonObject {
  const action = hasIntervened ? "INTERVENED" : "NONE";
  if (!isLast || !guardrail.hasTrace) return { "amazon-bedrock-guardrailAction": action };
  // The guardrail has no rules, so what it reports is made up.
  const assessment = { topicPolicy: { topics: [{ name: "weather", type: "DENY", action: "BLOCKED" }] } };
  const trace = { guardrail: { input: { [guardrail.id]: hasIntervened ? assessment : {} } } };
  return { "amazon-bedrock-guardrailAction": action, "amazon-bedrock-trace": trace };
}

function constraint(name: string, value: string, text: string) {
  return validation(`1 validation error detected: Value '${value}' at '${name}' failed to satisfy constraint: ${text}`);
}
