/**
 * What a guardrail says in an answer. Source: AWS, "InvokeModel" and "InvokeModelWithResponseStream" (API reference, "Use a guardrail"): members beside the
 * model's own, in the whole answer and in any event of a stream.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers } from "../../../src/contract/json.ts";
import type { ReportedUsage } from "../provider.ts";
import type { Guard } from "./controls.ts";

/** What its members begin with: where a text has no such word, there is nothing to look for. */
export const MARK = "amazon-bedrock-";
const ACTION = "amazon-bedrock-guardrailAction";
const TRACE = "amazon-bedrock-trace";
/** `NONE`; `INTERVENED`, and in other APIs of Bedrock's `GUARDRAIL_INTERVENED`. */
const INTERVENED = /INTERVENED$/;

/** Notes an intervention. `answer`: a whole answer, or an event. */
export function noteAction(answer: Readonly<Record<string, unknown>>, usage: ReportedUsage): void {
  if (INTERVENED.test(String(answer[ACTION]))) usage.isGuarded = true;
}

/** The answer for the client: the operator's guardrail does not tell clients what it has found and why. */
export function withoutMarks(json: ByteText, guard: Guard): ByteText {
  return guard === "client" ? json : editMembers(json, { remove: [ACTION, TRACE] });
}

/**
 * What an answer ended by, after an intervention: the model's own end says that all is well. Other reasons stay, since a client has to act on them (a tool
 * that is to be called) or knows by them that the answer is not whole.
 */
export function stopReason(reason: unknown): ByteText | undefined {
  return reason === "end_turn" || reason === "stop_sequence" || reason === "guardrail_intervened" || reason === null
    ? '"refusal"'
    : undefined;
}
