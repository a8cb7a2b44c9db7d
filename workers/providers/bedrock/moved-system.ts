/**
 * System messages in the middle of a conversation, for models without that role: each is moved into the user's next turn, as a text between
 * the same tags that Claude Code uses for such notes. The order of the texts stays.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, elements, memberValue, stringValue } from "../../../src/contract/json.ts";
import { refusal } from "../failure.ts";
import { EFFORT, isCleared, isEmpty, parseMessages } from "./system.ts";
import { type Dropped, type Takes, whose } from "./takes.ts";

const OPEN = "<system-reminder>\\n";
const CLOSE = "\\n</system-reminder>";

/** The name by which this change is reported to the client. */
const NAME = "messages.role.system";

/** @throws GatewayError `invalid_request` where such a message holds more than text */
export function moveSystem(messages: ByteText, takes: Takes, dropped: Dropped): ByteText {
  const parsed = parseMessages(messages);
  const { texts, roles } = parsed;
  if (!roles.includes("system")) return messages;
  dropped.add(NAME);
  const said: ByteText[] = [];
  /** Blocks for the user's next turn. */
  let waiting: ByteText[] = [];
  for (const [index, message] of texts.entries()) {
    if (roles[index] === "system") {
      if ((memberValue(message, "output_config") ?? "null") !== "null") dropped.add(EFFORT);
      if (!isCleared(message, index, parsed)) waiting.push(...noted(message, index, takes));
      continue;
    }
    if (waiting.length > 0) {
      if (roles[index] === "user") {
        said.push(withNotes(message, waiting));
        waiting = [];
        continue;
      }
      said.push(turnOf(waiting));
      waiting = [];
    }
    said.push(message);
  }
  if (waiting.length > 0) said.push(turnOf(waiting));
  return `[${said.join(",")}]`;
}

/** The texts of a system message, each between the tags; everything else in a block stays. */
function noted(message: ByteText, index: number, takes: Takes): ByteText[] {
  const content = memberValue(message, "content") ?? '""';
  if (isEmpty(content)) return [];
  if (content.startsWith('"')) return [`{"type":"text","text":${inTags(content)}}`];
  return elements(content).map(({ start, end }, at) => {
    const block = content.slice(start, end);
    const text = memberValue(block, "text");
    if (text?.startsWith('"')) return editMembers(block, { set: { text: inTags(text) } });
    const instead = "takes no system messages in the middle of a conversation, and only their text can be moved into the user's next turn";
    throw refusal(`messages.${index}.content.${at}.type`, `${whose(takes)} ${instead}`);
  });
}

/** A JSON string with the tags around its text. */
function inTags(text: ByteText): ByteText {
  return `"${OPEN}${text.slice(1, -1)}${CLOSE}"`;
}

/** A turn of the user that holds only the notes. */
function turnOf(notes: readonly ByteText[]): ByteText {
  return `{"role":"user","content":[${notes.join(",")}]}`;
}

/** The user's turn with the notes: before the user's text, and after results of tools, which must come first. */
function withNotes(message: ByteText, notes: readonly ByteText[]): ByteText {
  const content = memberValue(message, "content") ?? '""';
  if (content.startsWith('"')) {
    const text = content === '""' ? [] : [`{"type":"text","text":${content}}`];
    return editMembers(message, { set: { content: `[${[...notes, ...text].join(",")}]` } });
  }
  const blocks = elements(content);
  const results = blocks.findLastIndex(
    ({ start, end }) => stringValue(memberValue(content.slice(start, end), "type") ?? "") === "tool_result",
  );
  const after = blocks[results];
  const first = blocks[0];
  if (first === undefined) return editMembers(message, { set: { content: `[${notes.join(",")}]` } });
  const edited =
    after === undefined
      ? `${content.slice(0, first.start)}${notes.join(",")},${content.slice(first.start)}`
      : `${content.slice(0, after.end)},${notes.join(",")}${content.slice(after.end)}`;
  return editMembers(message, { set: { content: edited } });
}
