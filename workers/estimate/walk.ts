/**
 * How both dialects weigh the members of a request. A body has passed its dialect's check, but the check does not look at everything, so a value may be
 * anything. The rule is: everything that goes upstream is weighed, in any place, unless it is known not to be billed.
 */
import { isObject } from "../../src/contract/objects.ts";
import type { Profile } from "./profile.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type CountText = (text: string) => number;

/** How a member with a known name is weighed. `depth`: how many levels of content are around it. */
export type Weigh = (tally: Tally, value: Json, depth: number) => void;
export type Members = ReadonlyMap<string, Weigh>;

export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

export function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

/** Names that the APIs use for marks: ids, types and switches, which models do not see. Marks are free only if they are short. */
const MARKS: ReadonlySet<string> = new Set(
  "type id role status index object cache_control call_id tool_call_id file_id detail strict is_error phase".split(" "),
);
const NO_MARKS: ReadonlySet<string> = new Set();
/** Ids have up to some 60 characters. A longer value is no mark, whatever its name is. */
const MARK_CHARACTERS = 64;
/** A mark that is an object (`cache_control`, `tool_choice`, `thinking`) has fewer tokens than this. */
const MARK_TOKENS = 64;

/** Quotes, colon and comma around a key and its value, in JSON that a model reads: about two tokens. */
export const JSON_PUNCTUATION = 2;

/** A text that an upstream has encrypted for itself: base64 of text with about four bytes for each token. A value that is not base64 is text. */
const ENCRYPTED = /^[A-Za-z0-9+/_=-]*$/;
const ENCRYPTED_TOKENS_PER_CHARACTER = 3 / 16;

/**
 * From this number on, the parsed value does not show how long the number was in the text. It may have been an integer with all its digits, which has a
 * token for every three of them.
 */
const ROUNDED_FROM = 1e21;
/** Readers of JSON refuse a longer integer (Python's limit). */
const MOST_DIGITS = 4300;

/** Adds up one request. */
export class Tally {
  /** Tokens of text, before the profile's scale. */
  text = 0;
  /** Tokens of everything else: frames, tools' frames, pictures, documents. */
  other: number;
  readonly profile: Profile;
  readonly count: CountText;

  constructor(profile: Profile, count: CountText) {
    this.profile = profile;
    this.count = count;
    this.other = profile.overhead.base;
  }

  /** Text that the model sees. A value that is no text is weighed as it is. */
  addText(value: Json | undefined): void {
    this.text += typeof value === "string" ? this.count(value) : this.looseTokens(value);
  }

  /** JSON of the client, which the model sees as JSON. */
  addJson(value: Json | undefined): void {
    this.text += this.looseTokens(value, NO_MARKS);
  }

  /** An id, a type, a switch. */
  addMark(value: Json): void {
    if (typeof value === "string") {
      if (value.length > MARK_CHARACTERS) this.text += this.count(value);
    } else if (typeof value === "object" && value !== null) {
      this.text += Math.max(0, this.looseTokens(value, NO_MARKS) - MARK_TOKENS);
    }
  }

  addEncrypted(value: Json): void {
    if (typeof value === "string" && ENCRYPTED.test(value)) this.text += value.length * ENCRYPTED_TOKENS_PER_CHARACTER;
    else this.addText(value);
  }

  /** Every member of an object, by its entry in `members`. A member without an entry is weighed as a mark or as text, by its name. */
  addMembers(object: JsonObject, members: Members, depth = 0): void {
    for (const key in object) {
      const value = object[key] as Json;
      const weigh = members.get(key);
      if (weigh !== undefined) weigh(this, value, depth);
      else if (MARKS.has(key)) this.addMark(value);
      else this.text += this.count(key) + JSON_PUNCTUATION + this.looseTokens(value);
    }
  }

  /** Tokens of a value of unknown form, with its keys. Never recurses, because a client chooses the depth. */
  looseTokens(root: Json | undefined, marks = MARKS): number {
    const { count } = this;
    let sum = 0;
    const open: (Json | undefined)[] = [root];
    while (open.length > 0) {
      const value = open.pop();
      if (typeof value === "string") sum += count(value);
      else if (typeof value === "number") sum += this.#numberTokens(value);
      else if (typeof value === "boolean") sum += 1;
      else if (Array.isArray(value)) {
        // A comma for each item.
        sum += value.length;
        for (const item of value) open.push(item);
      } else if (isObject(value)) {
        sum += 1;
        for (const key in value) {
          const member = value[key] as Json;
          if (marks.has(key) && isShort(member)) continue;
          sum += count(key) + JSON_PUNCTUATION;
          open.push(member);
        }
      }
    }
    return sum;
  }

  #numberTokens(value: number): number {
    const size = Math.abs(value);
    return size < ROUNDED_FROM ? this.count(String(value)) : Math.min(Math.log10(size), MOST_DIGITS) / 3;
  }
}

function isShort(value: Json): boolean {
  return typeof value === "string" ? value.length <= MARK_CHARACTERS : typeof value !== "object" || value === null;
}

export const weighText: Weigh = (tally, value) => tally.addText(value);
export const weighJson: Weigh = (tally, value) => tally.addJson(value);
export const weighMark: Weigh = (tally, value) => tally.addMark(value);
export const weighEncrypted: Weigh = (tally, value) => tally.addEncrypted(value);
/** Base64 of something that is billed by its size. */
export const weighEncoded: Weigh = (tally, value) => {
  if (typeof value !== "string") tally.addText(value);
};
/** For a member that is not billed, or is counted elsewhere. */
export const weighNothing: Weigh = () => {};
