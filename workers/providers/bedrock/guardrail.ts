/**
 * What a guardrail reports in an answer: members beside the model's own, in the whole answer and in any event of a stream.
 * Source: AWS, "InvokeModel" and "InvokeModelWithResponseStream" (API reference, "Use a guardrail").
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers } from "../../../src/contract/json.ts";
import type { ReportedUsage } from "../provider.ts";
import type { Guard } from "./controls.ts";

/** How the names of these members begin. A text without it has no such member. */
export const MARK = "amazon-bedrock-";
const ACTION = "amazon-bedrock-guardrailAction";
const TRACE = "amazon-bedrock-trace";
/** `INTERVENED`; in other APIs of Bedrock `GUARDRAIL_INTERVENED`. Otherwise `NONE`. */
const INTERVENED = /INTERVENED$/;

/** Notes an intervention. `answer`: a whole answer, or one event. */
export function noteAction(answer: Readonly<Record<string, unknown>>, usage: ReportedUsage): void {
  if (INTERVENED.test(String(answer[ACTION]))) usage.isGuarded = true;
}

/** The answer without these members, so that a client does not learn what the operator's guardrail found, and why. A client's own guardrail is shown. */
export function withoutMarks(json: ByteText, guard: Guard): ByteText {
  return guard === "client" ? json : editMembers(json, { remove: [ACTION, TRACE] });
}

/**
 * The stop reason after an intervention: the model's normal end would say that all is well. Other reasons stay, because the client must act on them (a tool
 * call), or learns from them that the answer is not complete.
 */
export function stopReason(reason: unknown): ByteText | undefined {
  return reason === "end_turn" || reason === "stop_sequence" || reason === "guardrail_intervened" || reason === null
    ? '"refusal"'
    : undefined;
}
