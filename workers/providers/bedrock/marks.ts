/** `cache_control` at every place where it can be: on tools, on blocks of the system prompt and of messages, and on blocks inside of blocks. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editElements, editMembers, elements, type MemberEdits, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import type { Dropped, Takes } from "./takes.ts";

const MOST_MARKS = 4;
/** Types of blocks that can have a mark; blocks of thinking cannot. Source: platform.claude.com, "Prompt caching". */
const MARKABLE: ReadonlySet<string> = new Set(["text", "image", "document", "tool_use", "tool_result", "search_result"]);

/** Whether a model takes marks with all their members: then there is nothing to look for. */
export function takesAllMarks({ fields, without }: Takes): boolean {
  return fields.has("cache_control") && fields.has("cache_control.ttl") && fields.has("cache_control.scope") && without.size === 0;
}

/**
 * Whether `text` may hold marks, or members of marks, that the model does not take: a search or two, and nearly always the answer is no.
 * @param words - False where a search for the names of such members has already found none.
 */
export function holdsMarks(text: ByteText, words: boolean, { fields, without }: Takes): boolean {
  if (!fields.has("cache_control")) return text.includes('"cache_control"');
  if (words && !fields.has("cache_control.scope") && text.includes('"scope"')) return true;
  if (words && !fields.has("cache_control.ttl") && text.includes('"ttl"')) return true;
  for (const name of without) if (name.startsWith("cache_control.") && text.includes(`"${name.slice(14)}"`)) return true;
  return false;
}

/** The mark as the model takes it; undefined where it takes none. */
export function editMark(mark: ByteText, { fields, without }: Takes, dropped: Dropped): ByteText | undefined {
  if (!mark.startsWith("{")) return mark;
  if (!fields.has("cache_control")) {
    dropped.add("cache_control");
    return undefined;
  }
  const remove: string[] = [];
  for (const { key } of members(mark)) {
    const name = `cache_control.${key}`;
    const goes = (key === "scope" || key === "ttl") && !fields.has(name);
    if (!goes && !without.has(name)) continue;
    remove.push(key);
    dropped.add(name);
  }
  return remove.length === 0 ? mark : editMembers(mark, { remove });
}

/** A list of blocks or tools, each with its mark as the model takes it; any other value unchanged. */
export function editMarks(list: ByteText, takes: Takes, dropped: Dropped): ByteText {
  return editElements(list, (block) => editBlock(block, takes, dropped));
}

/** The messages, with the marks in their contents as the model takes them. */
export function editMessageMarks(messages: ByteText, takes: Takes, dropped: Dropped): ByteText {
  return editElements(messages, (message) => {
    const content = memberValue(message, "content");
    if (content === undefined || !content.startsWith("[")) return message;
    const edited = editMarks(content, takes, dropped);
    return edited === content ? message : editMembers(message, { set: { content: edited } });
  });
}

function editBlock(block: ByteText, takes: Takes, dropped: Dropped): ByteText {
  const all = members(block);
  const set: Record<string, ByteText> = {};
  const remove: string[] = [];
  for (const { key, start, end } of all) {
    const value = block.slice(start, end);
    if (key === "cache_control") {
      const edited = editMark(value, takes, dropped);
      if (edited === undefined) remove.push(key);
      else if (edited !== value) set[key] = edited;
    } else if (key === "content" && value.startsWith("[")) {
      // Blocks inside of a tool's result, or of a document.
      const edited = editMarks(value, takes, dropped);
      if (edited !== value) set[key] = edited;
    } else if (key === "source" && value.startsWith("{")) {
      const edited = editBlock(value, takes, dropped);
      if (edited !== value) set[key] = edited;
    }
  }
  const edits: MemberEdits = { set, remove };
  return remove.length === 0 && Object.keys(set).length === 0 ? block : editMembers(block, edits, all);
}

/** Values that can get the mark of the whole request. */
export interface Markable {
  messages: ByteText;
  system: ByteText | undefined;
  tools: ByteText | undefined;
}

/**
 * Puts the mark of the top level on the last block that can have one, where the service would have put it: the last in the messages, else in the
 * system prompt, else the last tool. Returns those of the three that have changed; `full` where the request has the most marks that are allowed.
 */
export function placeMark(mark: ByteText, { messages, system, tools }: Markable): Partial<Markable> | "full" {
  const count = [messages, system, tools].reduce((sum, text) => sum + countMarks(text), 0);
  const last = lastMessageMark(messages, mark, count);
  if (last !== undefined) return last === "full" ? "full" : last === messages ? {} : { messages: last };
  if (count >= MOST_MARKS) return "full";
  if (system !== undefined && system !== "null") {
    const marked = markLast(system, mark);
    if (marked !== undefined) return { system: marked };
  }
  const tool = tools === undefined ? undefined : elements(tools).at(-1);
  if (tools === undefined || tool === undefined) return {};
  return { tools: tools.slice(0, tool.start) + marked(tools.slice(tool.start, tool.end), mark) + tools.slice(tool.end) };
}

/** The messages with the mark on their last block that can have one; undefined where none can. */
function lastMessageMark(messages: ByteText, mark: ByteText, count: number): ByteText | "full" | undefined {
  const all = elements(messages);
  for (let at = all.length - 1; at >= 0; at--) {
    const { start, end } = all[at] as { start: number; end: number };
    const message = messages.slice(start, end);
    const content = memberValue(message, "content") ?? "";
    const edited = markLast(content, mark);
    if (edited === undefined) continue;
    if (edited === content) return messages;
    if (count >= MOST_MARKS) return "full";
    return messages.slice(0, start) + editMembers(message, { set: { content: edited } }) + messages.slice(end);
  }
  return undefined;
}

/** A text or a list of blocks with the mark on its last block that can have one; unchanged where that block has a mark. */
function markLast(content: ByteText, mark: ByteText): ByteText | undefined {
  if (content.startsWith('"')) return content === '""' ? undefined : `[{"type":"text","text":${content},"cache_control":${mark}}]`;
  const blocks = elements(content);
  for (let at = blocks.length - 1; at >= 0; at--) {
    const { start, end } = blocks[at] as { start: number; end: number };
    const block = content.slice(start, end);
    if (!canBear(block)) continue;
    return content.slice(0, start) + marked(block, mark) + content.slice(end);
  }
  return undefined;
}

/** An object with the mark, unless it has one. */
function marked(block: ByteText, mark: ByteText): ByteText {
  return (memberValue(block, "cache_control") ?? "null") === "null" ? editMembers(block, { set: { cache_control: mark } }) : block;
}

function canBear(block: ByteText): boolean {
  const type = stringValue(memberValue(block, "type") ?? "");
  return type !== undefined && MARKABLE.has(type) && !(type === "text" && memberValue(block, "text") === '""');
}

/** An estimate: counts strings that spell the name, which are nearly always names of members. */
function countMarks(text: ByteText | undefined): number {
  return text === undefined ? 0 : text.split('"cache_control"').length - 1;
}
