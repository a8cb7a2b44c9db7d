/** The prompt cache: the marks that ask for it, what it remembers, and the tokens that a request reads from it or writes to it. */
import { createHash } from "node:crypto";
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects } from "../json.ts";
import { tokensIn } from "../model/tokens.ts";
import { extra, onlyMembers, validation } from "./errors.ts";
import { weighBlock } from "./question.ts";
import type { Rules } from "./rules.ts";

const LIFETIME_MS = 5 * 60_000;
const MOST_ENTRIES = 10_000;
const MOST_MARKS = 4;

/** Remembers the beginnings of prompts. Unlike the cloud's cache it has no smallest size, so that a short test can use it. */
export class PromptCache {
  readonly #usedAt = new Map<string, number>();

  /** True where this prefix was used in the last five minutes. It is remembered from now on. */
  touch(prefix: string, now: number): boolean {
    const key = createHash("sha256").update(prefix).digest("base64");
    const usedAt = this.#usedAt.get(key);
    if (this.#usedAt.size >= MOST_ENTRIES) this.#usedAt.clear();
    this.#usedAt.set(key, now);
    return usedAt !== undefined && now - usedAt < LIFETIME_MS;
  }
}

/** Checks the mark (`cache_control`) of the block at `place`. @throws Refusal 400 */
export function checkMark(mark: unknown, place: string, { cache }: Rules): void {
  if (mark === undefined || mark === null) return;
  const here = `${place}.cache_control`;
  if (cache === "no") throw extra(here);
  if (!isObject(mark) || mark.type !== "ephemeral")
    throw validation(`${here}: Input tag does not match any of the expected tags: 'ephemeral'`);
  onlyMembers(mark, cache === "lifetimes" ? ["type", "ttl"] : ["type"], `${here}.ephemeral`);
  if (mark.ttl !== undefined && mark.ttl !== "5m" && mark.ttl !== "1h")
    throw validation(`${here}.ephemeral.ttl: Input should be '5m' or '1h'`);
}

/** @throws Refusal 400 for a body with too many marks */
export function checkMarkCount(body: JsonObject): void {
  const sections = [body.system, body.tools, ...objects(body.messages).map(({ content }) => content)];
  const marks = sections.flatMap(objects).filter(isMarked).length;
  if (marks > MOST_MARKS) throw validation(`A maximum of ${MOST_MARKS} blocks with cache_control may be provided. Found ${marks}.`);
}

function isMarked(block: JsonObject): boolean {
  return isObject(block.cache_control);
}

/** Input tokens that the cache read, and those that were written to it for five minutes and for an hour. */
export interface CacheUsage {
  read: number;
  write5m: number;
  write1h: number;
}

/**
 * The part of the input that is written to or read from the prompt cache: everything up to the last block with `cache_control`, in the
 * service's order (tools, system, messages). Undefined where no block has one.
 */
export function cacheUsage(body: JsonObject, model: string, cache: PromptCache, now: number): CacheUsage | undefined {
  const messages = objects(body.messages);
  const sections = [objects(body.tools), objects(body.system), ...messages.map((message) => objects(message.content))];
  let prefix = model;
  let weight = 0;
  let found: { prefix: string; weight: number } | undefined;
  /** Tokens up to the last mark with a lifetime of an hour. */
  let hour = 0;
  if (!sections.some((section) => section.some(isMarked))) return undefined;
  for (const [index, section] of sections.entries()) {
    const plain = index === 1 ? body.system : messages[index - 2]?.content;
    if (typeof plain === "string") {
      prefix += plain;
      weight += tokensIn(plain.length);
    }
    for (const block of section) {
      const { cache_control: mark, ...rest } = block;
      prefix += JSON.stringify(rest);
      weight += index === 0 ? tokensIn(JSON.stringify(rest).length) : weighBlock(rest);
      if (isObject(mark)) {
        found = { prefix, weight };
        if (mark.ttl === "1h") hour = weight;
      }
    }
  }
  if (found === undefined) return undefined;
  if (cache.touch(found.prefix, now)) return { read: found.weight, write5m: 0, write1h: 0 };
  return { read: 0, write5m: found.weight - hour, write1h: hour };
}
