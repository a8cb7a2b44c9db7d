/** The pretended model: makes the answer to a question. */
import { clipped } from "../../contract/text.ts";
import type { Behaviour } from "../behaviour.ts";
import { exampleOf } from "./example.ts";
import type { Question, Tool } from "./question.ts";
import { filler, tokensOf } from "./tokens.ts";

/** One part of an answer. The first `count` of `tokens` are sent. The iterable may make them while they are sent. */
export type Part =
  | { kind: "thinking"; tokens: Iterable<string>; count: number }
  | { kind: "text"; tokens: Iterable<string>; count: number }
  | { kind: "call"; name: string; tokens: Iterable<string>; count: number };

export interface Answer {
  parts: Part[];
  end: "end" | "length" | "stop" | "call" | "filter";
  stopSequence: string | undefined;
  /** All tokens of the answer; those of thoughts are among them. */
  outputTokens: number;
  thinkingTokens: number;
}

const LONGEST_QUOTE = 160;
const MOST_CALLS = 32;
/** Longer texts are made while they are sent, so they cannot be searched for stop sequences. */
const LAZY_FROM = 20_000;

/** The same question always has the same answer. It names every part of the question, so that a test sees when a part was lost. */
export function answer(question: Question, model: string, behaviour: Readonly<Behaviour>): Answer {
  const parts: Part[] = [];
  const limit = behaviour.unlimited ? Number.POSITIVE_INFINITY : (question.maxTokens ?? Number.POSITIVE_INFINITY);
  const { filterAfter } = behaviour;
  let room = Math.min(limit, filterAfter ?? limit);
  let end: Answer["end"] = "end";
  let stopSequence: string | undefined;

  const add = (kind: "thinking" | "text", tokens: Iterable<string>, count: number): void => {
    if (room < count) {
      end = "length";
      count = room;
      tokens = limited(tokens, count);
    }
    room -= count;
    if (count > 0) parts.push({ kind, tokens, count });
  };

  if (question.thinkingTokens > 0) add("thinking", filler(question.thinkingTokens), question.thinkingTokens);
  const called = toCall(question, behaviour);
  if (called.length > 0) {
    if (end === "end") end = "call";
    for (const tool of called) {
      const pieces = tokensOf(JSON.stringify(exampleOf(tool.schema, wordOf(question.text)) ?? {}));
      if (room < pieces.length) end = "length";
      const count = Math.min(room, pieces.length);
      if (count > 0) parts.push({ kind: "call", name: tool.name, tokens: pieces.slice(0, count), count });
      room -= count;
    }
  } else if (behaviour.tokens !== undefined && behaviour.tokens > LAZY_FROM) {
    add("text", filler(behaviour.tokens), behaviour.tokens);
  } else {
    const whole = behaviour.echo ?? (behaviour.tokens === undefined ? compose(question, model) : [...filler(behaviour.tokens)].join(""));
    const { text, stop } = stopAt(whole, question.stops);
    const pieces = tokensOf(text);
    add("text", pieces, pieces.length);
    if (end === "end" && stop !== undefined) {
      end = "stop";
      stopSequence = stop;
    }
  }
  // Where the caller's own limit comes first, the filter does not act.
  if (filterAfter !== undefined && filterAfter <= limit && (end === "length" || filterAfter === 0)) end = "filter";
  const outputTokens = parts.reduce((sum, part) => sum + part.count, 0);
  const thinkingTokens = parts.reduce((sum, part) => sum + (part.kind === "thinking" ? part.count : 0), 0);
  return { parts, end, stopSequence, outputTokens, thinkingTokens };
}

/** The text of a part. */
export function joined(part: Part): string {
  return Array.isArray(part.tokens) ? part.tokens.join("") : [...part.tokens].join("");
}

function* limited(tokens: Iterable<string>, count: number): Iterable<string> {
  let taken = 0;
  for (const token of tokens) {
    if (taken++ >= count) return;
    yield token;
  }
}

/** The tools to call: those that the message names, or else the first one; none after a tool has answered. */
function toCall(question: Question, behaviour: Readonly<Behaviour>): Tool[] {
  const { tools, toolChoice } = question;
  if (tools.length === 0 || toolChoice.kind === "none") return [];
  if (toolChoice.kind === "tool") return tools.filter((tool) => tool.name === toolChoice.name).slice(0, 1);
  const isForced = toolChoice.kind === "any";
  if (!isForced && behaviour.rounds !== undefined) {
    const { count, tool: wanted } = behaviour.rounds;
    return question.rounds >= count ? [] : [tools.find(({ name }) => name === wanted) ?? tools[0]].filter((tool) => tool !== undefined);
  }
  if (
    !isForced &&
    (behaviour.textOnly || behaviour.echo !== undefined || behaviour.tokens !== undefined || question.toolResults.length > 0)
  )
    return [];
  const named = tools.filter((tool) => question.text.includes(tool.name));
  const chosen = named.length > 0 ? named : tools.slice(0, 1);
  const count = question.parallelTools ? Math.min(behaviour.calls ?? chosen.length, MOST_CALLS) : 1;
  const pool = behaviour.calls === undefined ? chosen : [...chosen, ...tools.filter((tool) => !chosen.includes(tool))];
  return Array.from({ length: count }, (_, index) => pool[index % pool.length]).filter((tool) => tool !== undefined);
}

/** A name in the question ("Paris" in "the weather in Paris?"), for the arguments of a call, so that these show the question. */
function wordOf(text: string): string {
  return /(?<=\S\s+)\p{Lu}[\p{L}-]+/u.exec(text.slice(0, 2_000))?.[0] ?? "";
}

/** The text of an answer: a sentence for each part of the question, or a value in JSON where the question asks for one. */
function compose(question: Question, model: string): string {
  if (question.json !== undefined)
    return JSON.stringify(
      question.json.schema === undefined ? { answer: quote(question.text) } : exampleOf(question.json.schema, wordOf(question.text)),
    );
  const said: string[] = [];
  if (question.prefill !== "") said.push(`… and so it goes on from “${quote(question.prefill)}”.`);
  else said.push(`This is ${model} in the sandbox.`);
  if (question.system !== "") said.push(`I was told: “${quote(question.system)}”.`);
  for (const picture of question.pictures) {
    said.push(
      picture === undefined
        ? "I was given a picture that I cannot open."
        : `I see a picture of ${picture.width}×${picture.height} (${picture.mediaType}).`,
    );
  }
  if (question.documents > 0) said.push(`I was given ${question.documents === 1 ? "a document" : `${question.documents} documents`}.`);
  for (const result of question.toolResults) said.push(`The tool answered: “${quote(result)}”.`);
  if (question.text !== "") said.push(`You said: “${quote(question.text)}”.`);
  if (question.messages > 1) said.push(`That was message ${question.messages} of our talk.`);
  return said.join(" ");
}

function quote(text: string): string {
  return clipped(text, LONGEST_QUOTE);
}

/** The text up to the first of the stop sequences in it. */
function stopAt(whole: string, stops: readonly string[]): { text: string; stop: string | undefined } {
  let found: { at: number; stop: string } | undefined;
  for (const stop of stops) {
    const at = stop === "" ? -1 : whole.indexOf(stop);
    if (at >= 0 && (found === undefined || at < found.at)) found = { at, stop };
  }
  return found === undefined ? { text: whole, stop: undefined } : { text: whole.slice(0, found.at), stop: found.stop };
}
