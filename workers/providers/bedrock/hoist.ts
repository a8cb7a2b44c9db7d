/**
 * System messages in the middle of a conversation, for models that do not know the role there: each becomes a marked text of the user's next turn, in
 * the words that Claude Code itself puts such notes into. The order of what is said stays.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { editMembers, elements, memberValue, stringValue } from "../../../src/contract/json.ts";
import { EFFORT, isCleared, isEmpty, turnsOf } from "./system.ts";
import type { Dropped, Takes } from "./takes.ts";

const OPEN = "<system-reminder>\\n";
const CLOSE = "\\n</system-reminder>";

/** What the client is told has changed. */
const NAME = "messages.role.system";

/** @throws GatewayError `invalid_request` where such a message holds more than text. */
export function hoistSystem(messages: ByteText, { model }: Takes, dropped: Dropped): ByteText {
  const turns = turnsOf(messages);
  const { texts, roles } = turns;
  if (!roles.includes("system")) return messages;
  dropped.add(NAME);
  const said: ByteText[] = [];
  /** Blocks that wait for the user's next turn. */
  let waiting: ByteText[] = [];
  for (const [index, message] of texts.entries()) {
    if (roles[index] === "system") {
      if ((memberValue(message, "output_config") ?? "null") !== "null") dropped.add(EFFORT);
      if (!isCleared(message, index, turns)) waiting.push(...noted(message, index, model));
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

/** The texts of a system message, each in its marks; everything else of a block stays. */
function noted(message: ByteText, index: number, model: string): ByteText[] {
  const content = memberValue(message, "content") ?? '""';
  if (isEmpty(content)) return [];
  if (content.startsWith('"')) return [`{"type":"text","text":${inMarks(content)}}`];
  return elements(content).map(({ start, end }, at) => {
    const block = content.slice(start, end);
    const text = memberValue(block, "text");
    if (text?.startsWith('"')) return editMembers(block, { set: { text: inMarks(text) } });
    const param = `messages.${index}.content.${at}.type`;
    const whose = model === "" ? "this model" : `the model ${model}`;
    throw new GatewayError("invalid_request", {
      message: `${param}: ${whose} takes no system messages in the middle of a conversation, and only their text can be moved into the user's next turn`,
      param,
    });
  });
}

/** A JSON string with the marks around what it says. */
function inMarks(text: ByteText): ByteText {
  return `"${OPEN}${text.slice(1, -1)}${CLOSE}"`;
}

function turnOf(notes: readonly ByteText[]): ByteText {
  return `{"role":"user","content":[${notes.join(",")}]}`;
}

/** The user's turn with the notes before what the user says, and after the results of tools, which have to come first. */
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
