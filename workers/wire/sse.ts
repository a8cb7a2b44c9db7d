/**
 * Server-sent events as text, cut at their blank lines and otherwise left as they came. Lines end with LF or CRLF; the lone CR that the standard
 * also allows is sent by no model service. Source: WHATWG HTML, "Server-sent events".
 */
import type { ByteText } from "../../src/contract/bytes.ts";

const LF = 0x0a;
const CR = 0x0d;

/** The offset after the blank line that ends the event beginning at `from`, or -1 where the event has not all come. A blank line alone is an event too. */
export function eventEnd(text: ByteText, from: number): number {
  for (let lineStart = from; ; ) {
    const code = text.charCodeAt(lineStart);
    if (code === LF) return lineStart + 1;
    if (code === CR && text.charCodeAt(lineStart + 1) === LF) return lineStart + 2;
    const lineEnd = text.indexOf("\n", lineStart);
    if (lineEnd < 0) return -1;
    lineStart = lineEnd + 1;
  }
}

/** The data of one event, its lines joined by LF; undefined where it has no data (a comment, a blank line). */
export function eventData(event: ByteText): ByteText | undefined {
  let data: ByteText | undefined;
  for (const line of event.split("\n")) {
    if (!line.startsWith("data:") && line !== "data" && line !== "data\r") continue;
    const value = line.slice(line.startsWith("data: ") ? 6 : 5).replace(/\r$/, "");
    data = data === undefined ? value : `${data}\n${value}`;
  }
  return data;
}

/** Events are a line or two of JSON; a longer one is a broken peer. */
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/** A blank line after a line: no event ends without one. */
const BLANK_LINE = /\n\r?\n/;

/** The part of an unfinished event that has come. */
export class EventBuffer {
  #parts: ByteText[] = [];
  #length = 0;
  /** The last two characters: a blank line may have come in pieces. */
  #tail: ByteText = "";

  /** False where bytes wait for the rest of their event. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get length(): number {
    return this.#length;
  }

  get isTooLong(): boolean {
    return this.#length > MAX_EVENT_BYTES;
  }

  /** Everything to be looked at now that `text` has come, or "" where no event can end in it: a long event is joined once, not at each of its pieces. */
  add(text: ByteText): ByteText {
    if (this.#length === 0) return text;
    // The kept bytes may themselves be the beginning of a blank line.
    if (this.#length > 1 && !BLANK_LINE.test(this.#tail + text)) {
      this.keep(text);
      return "";
    }
    this.#parts.push(text);
    const whole = this.#parts.join("");
    this.#parts = [];
    this.#length = 0;
    this.#tail = "";
    return whole;
  }

  /** Puts back what follows the last whole event. */
  keep(rest: ByteText): void {
    if (rest === "") return;
    this.#parts.push(rest);
    this.#length += rest.length;
    this.#tail = (this.#tail + rest.slice(-2)).slice(-2);
  }
}
