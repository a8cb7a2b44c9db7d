/**
 * System messages in the middle of a conversation, for models with that role. Everything but text in such a message needs a flag, which is added
 * where the model takes it. Source: platform.claude.com, "Mid-conversation system messages and tool changes" and "Per-message effort".
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, elements, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import { refusal } from "../failure.ts";
import { type Dropped, flagOf, type Takes, whose } from "./takes.ts";

export const EFFORT = "messages.output_config";
const CLEAR_AT = "messages.clear_at";
const CHANGES = ["tool_addition", "tool_removal"] as const;
/** Searched for before anything is parsed. */
const WORDS = ['"output_config"', '"clear_at"', '"tool_addition"', '"tool_removal"'];

/** The messages of one conversation, with their roles. */
export interface ParsedMessages {
  texts: readonly ByteText[];
  roles: readonly string[];
}

export function parseMessages(messages: ByteText): ParsedMessages {
  const texts = elements(messages).map(({ start, end }) => messages.slice(start, end));
  return { texts, roles: texts.map((message) => stringValue(memberValue(message, "role") ?? "") ?? "") };
}

/** Whether a system message was for one turn that is over: a turn of the user has followed, so the model does not see the message any more. */
export function isCleared(message: ByteText, index: number, { roles }: ParsedMessages): boolean {
  return stringValue(memberValue(message, "clear_at") ?? "") === "next_user_message" && roles.indexOf("user", index) >= 0;
}

/**
 * Adds the flags that system messages need to `betas`; returns the messages without what the model does not take. `isHidden`: names may be written
 * with escapes.
 * @throws GatewayError `invalid_request` for changes of tools that the model does not know: without the changes it would have other tools
 */
export function editSystem(messages: ByteText, isHidden: boolean, betas: string[], takes: Takes, dropped: Dropped): ByteText {
  if (!isHidden && !WORDS.some((word) => messages.includes(word))) return messages;
  const parsed = parseMessages(messages);
  if (!parsed.roles.includes("system")) return messages;
  const spans = elements(messages);
  let edited = messages.slice(0, spans[0]?.start);
  let isFirst = true;
  for (const [index, message] of parsed.texts.entries()) {
    const next = parsed.roles[index] === "system" ? editOne(message, index, parsed, betas, takes, dropped) : message;
    if (next === undefined) continue;
    // What is before the message (a comma, white space) comes with it, so that all other bytes stay.
    edited += (isFirst ? "" : messages.slice(spans[index - 1]?.end, spans[index]?.start)) + next;
    isFirst = false;
  }
  return edited + messages.slice(spans.at(-1)?.end);
}

/** The message as the model takes it; undefined where nothing is left of it. */
function editOne(
  message: ByteText,
  index: number,
  parsed: ParsedMessages,
  betas: string[],
  takes: Takes,
  dropped: Dropped,
): ByteText | undefined {
  const all = members(message);
  const remove: string[] = [];
  let content: ByteText = '""';
  for (const { key, start, end } of all) {
    const value = message.slice(start, end);
    if (key === "content") content = value;
    if (key !== "output_config" && key !== "clear_at") continue;
    const name = key === "clear_at" ? CLEAR_AT : EFFORT;
    const asksNothing = value === "null" || (key === "clear_at" && stringValue(value) === "never");
    const flag = flagOf(name, takes);
    if (flag !== undefined && !asksNothing) {
      if (!betas.includes(flag)) betas.push(flag);
      continue;
    }
    remove.push(key);
    if (asksNothing) continue;
    dropped.add(name);
    if (key === "clear_at" && isCleared(message, index, parsed)) return undefined;
  }
  if (content.startsWith("[")) needToolChanges(content, index, betas, takes);
  if (remove.length === 0) return message;
  return isEmpty(content) ? undefined : editMembers(message, { remove }, all);
}

export function isEmpty(content: ByteText): boolean {
  return content === '""' || /^\[\s*\]$/.test(content);
}

function needToolChanges(content: ByteText, index: number, betas: string[], takes: Takes): void {
  for (const [at, { start, end }] of elements(content).entries()) {
    const type = stringValue(memberValue(content.slice(start, end), "type") ?? "");
    const change = CHANGES.find((each) => each === type);
    if (change === undefined) continue;
    const flag = flagOf(`content.${change}`, takes);
    if (flag === undefined)
      throw refusal(
        `messages.${index}.content.${at}.type`,
        `changes of tools in the middle of a conversation are not available for ${whose(takes)} on AWS Bedrock`,
      );
    if (!betas.includes(flag)) betas.push(flag);
  }
}
