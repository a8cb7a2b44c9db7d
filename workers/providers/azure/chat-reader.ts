/**
 * Azure's answer as text of the OpenAI dialect: corrects differences of Azure's streams, and reads the usage.
 * Sources: learn.microsoft.com, "Content streaming" (filter results); griptape-ai/griptape#1640 (the chunk with the usage).
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, elements, memberValue, skipString } from "../../../src/contract/json.ts";
import { eventData } from "../../wire/sse.ts";
import { EventReader } from "../event-reader.ts";
import { asObject } from "../failure.ts";
import { MOST_PARSED } from "../outline.ts";
import type { Reader } from "../provider.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import { azureStreamError, type ErrorContext } from "./errors.ts";
import { addUsage, CHAT_USAGE } from "./usage.ts";

const DELTA = '"delta":{';
/** Members of a delta that hold the model's own text, the most frequent first. */
const TEXTS = ['"content":"', '"arguments":"', '"reasoning_content":"', '"refusal":"'];
/** The end of every chunk but the last two, where usage was asked for. */
const NO_USAGE_END = ',"usage":null}\n\n';
const NO_USAGE = /,"usage":null|"usage":null,/;
/** OpenAI's own limit of `n`. */
const MOST_CHOICES = 128;
/** Members that identify the completion of a chunk. */
const IDENTITY = ["id", "object", "created", "model"];

/** Reader for a call that does not stream. */
export function azureAnswer(place: ErrorContext): Reader {
  return new WholeAnswer(place.upstream, (answer, text, usage) => {
    if (!Array.isArray(answer.choices)) return malformed(place.upstream, "the answer is no completion");
    addUsage(usage, answer.usage, CHAT_USAGE);
    return text;
  });
}

/** Matches the last chunk of a choice. Text of the model cannot match, because its quotes are escaped. */
const FINISHED = /"finish_reason"\s*:\s*"[a-z_]+"/;

/** Reader for a call that streams. */
export class AzureStream extends EventReader<ErrorContext> {
  readonly #showUsage: boolean;
  readonly #isFast: boolean;
  /** The last ordinary chunk, as it came. */
  #ordinary: ByteText = "";
  /** The asynchronous filter has reported why the answer ended. */
  #isFinished = false;

  /** `showUsage`: the client asked for usage. `isFast` false parses every event: for tests that compare the two ways. */
  constructor(place: ErrorContext, showUsage: boolean, isFast = true) {
    super(place, "[DONE]");
    this.#showUsage = showUsage;
    this.#isFast = isFast;
  }

  /** Azure sometimes ends a stream after the choice's last chunk, without `[DONE]` (experiential PR#962): no part of the answer is missing. */
  protected override closing(): ByteText | undefined {
    return this.#isFinished || FINISHED.test(this.#ordinary) ? "data: [DONE]\n\n" : undefined;
  }

  protected override event(event: ByteText): ByteText {
    const delta = this.#isFast ? plainDelta(event) : -1;
    if (delta >= 0) {
      this.written += textLength(event, delta);
      this.#ordinary = event;
      return this.#showUsage ? event : withoutUsage(event);
    }
    const data = eventData(event)?.trim();
    // Comments only keep the connection from Azure open. Weir sends comments to the client itself.
    if (data === undefined || data === "") return "";
    if (data === "[DONE]") {
      this.complete = true;
      return "data: [DONE]\n\n";
    }
    return this.#chunk(event, data);
  }

  #chunk(event: ByteText, data: ByteText): ByteText {
    const chunk = this.parse(data);
    if (chunk === undefined) return "";
    if (chunk.error !== undefined && chunk.error !== null) {
      this.error = azureStreamError(this.place, data);
      return "";
    }
    const choices = Array.isArray(chunk.choices) ? chunk.choices.slice(0, MOST_CHOICES + 1).map(asObject) : [];
    if (choices.length > MOST_CHOICES || data.length > MOST_PARSED) {
      this.error = malformed(this.place.upstream, `a chunk of ${data.length} bytes`);
      return "";
    }
    if (choices.length === 0) return this.#summary(chunk, data);
    addUsage(this.usage, chunk.usage, CHAT_USAGE);
    const hidden = "usage" in chunk && !this.#showUsage ? ["usage"] : [];
    if (choices.every((choice) => choice?.delta === undefined)) {
      // The asynchronous filter sends its results in choices without a delta: no client reads them, and some fail on them. Its last chunk, which
      // has the reason why the answer stopped, has the same form and an empty id.
      if (choices.every((choice) => (choice?.finish_reason ?? null) === null)) return "";
      this.#isFinished = true;
      return frame(editMembers(withDeltas(data), { remove: hidden, set: identityOf(this.#ordinary) }));
    }
    const text = JSON.stringify(choices);
    this.written += textLength(text, text.indexOf(DELTA));
    this.#ordinary = event;
    if (hidden.length > 0) return frame(editMembers(data, { remove: hidden }));
    return event;
  }

  /** A chunk without choices: the prompt's filter results at the beginning, or the usage at the end. */
  #summary(chunk: Record<string, unknown>, data: ByteText): ByteText {
    if (asObject(chunk.usage) === undefined) return "";
    addUsage(this.usage, chunk.usage, CHAT_USAGE);
    return this.#showUsage ? frame(data) : "";
  }
}

/** Bytes of the model's text in a chunk with one choice, as JSON writes them. The names and filter results around the text are many times as long. */
function textLength(text: ByteText, delta: number): number {
  for (const name of TEXTS) {
    const at = text.indexOf(name, delta);
    if (at >= 0) return skipString(text, at + name.length - 1) - at - name.length - 1;
  }
  return 0;
}

/**
 * Position of the delta in a chunk that can be sent on unchanged, or -1 for an event that must be parsed. JSON escapes quotes inside of strings, so a
 * name between bare quotes is a member (or a whole string), never a part of the model's text. JSON with blanks (`": "`) is parsed too.
 * A search costs a tenth of parsing, so there are as few as possible: nearly every chunk is recognised by its end.
 */
function plainDelta(event: ByteText): number {
  if (!event.startsWith("data: {")) return -1;
  const delta = event.indexOf(DELTA);
  if (delta < 0 || event.includes('"error":')) return -1;
  if (event.endsWith(NO_USAGE_END)) return delta;
  return event.endsWith("}\n\n") && !event.includes('"usage":{') && !event.includes('": ') ? delta : -1;
}

function withoutUsage(event: ByteText): ByteText {
  return event.endsWith(NO_USAGE_END) ? `${event.slice(0, -NO_USAGE_END.length)}}\n\n` : event.replace(NO_USAGE, "");
}

/** The chunk with an empty delta in each choice that has none. */
function withDeltas(chunk: ByteText): ByteText {
  const choices = memberValue(chunk, "choices") ?? "[]";
  let edited = "";
  let copied = 0;
  for (const { start, end } of elements(choices)) {
    const choice = choices.slice(start, end);
    if (memberValue(choice, "delta") !== undefined) continue;
    edited += choices.slice(copied, start) + editMembers(choice, { set: { delta: "{}" } });
    copied = end;
  }
  return editMembers(chunk, { set: { choices: edited + choices.slice(copied) } });
}

/** The members of an event's chunk that identify its completion. */
function identityOf(event: ByteText): Record<string, ByteText> {
  const chunk = eventData(event) ?? "";
  return Object.fromEntries(
    IDENTITY.flatMap((name) => [memberValue(chunk, name)].flatMap((value) => (value === undefined ? [] : [[name, value]]))),
  );
}

/** A server-sent event with `json` on one line: outside its strings JSON may hold line breaks. */
function frame(json: ByteText): ByteText {
  return `data: ${json.replaceAll(/[\r\n]+/g, " ")}\n\n`;
}
