/** Azure's answer as the OpenAI dialect's text: its stream's oddities evened out, its usage read. Source: `wire.md` §2.3, §2.4. */
import { type ByteText, toByteText } from "../../src/contract/bytes.ts";
import { GatewayError } from "../../src/contract/errors.ts";
import { editMembers, skipString } from "../../src/contract/json.ts";
import { noUsage, type Usage } from "../../src/contract/usage.ts";
import { EventBuffer, eventData, eventEnd } from "../wire/sse.ts";
import { azureStreamError, type Place } from "./azure-errors.ts";
import { asCount, asObject } from "./failure.ts";
import type { Reader } from "./provider.ts";
import { malformed, WholeAnswer } from "./whole-answer.ts";

/**
 * What makes an event worth parsing. Inside a string JSON escapes its quotes, so a name between bare quotes is a member (or a whole string), never
 * a part of the model's text; JSON that is not compact (`": "`) takes the long way too. Searching is cheaper than parsing, a pattern was dearer.
 */
const LOOK_INTO = ['"usage":{', '"choices":[]', '"error"', '": '];
const DELTA = '"delta":{';
/** Members of a delta that are the model's own text, the commonest first. */
const TEXTS = ['"content":"', '"arguments":"', '"reasoning_content":"', '"refusal":"'];
/** On every chunk but the last, once usage was asked for. */
const NO_USAGE = /,"usage":null|"usage":null,/;

/** For a call that does not stream. */
export function azureAnswer(place: Place): Reader {
  return new WholeAnswer(place.upstream, (answer, text, usage) => {
    if (!Array.isArray(answer.choices)) return malformed(place.upstream, "the answer is no completion");
    addUsage(usage, answer.usage);
    return text;
  });
}

/** For a call that streams. */
export class AzureStream implements Reader {
  readonly usage = noUsage();
  written = 0;
  readonly #place: Place;
  readonly #showUsage: boolean;
  readonly #isFast: boolean;
  readonly #buffer = new EventBuffer();
  #error: GatewayError | undefined;
  #complete = false;

  /** `showUsage`: the client asked for it. `isFast` false looks into every event: for tests that compare the two. */
  constructor(place: Place, showUsage: boolean, isFast = true) {
    this.#place = place;
    this.#showUsage = showUsage;
    this.#isFast = isFast;
  }

  get error(): GatewayError | undefined {
    return this.#error;
  }

  get complete(): boolean {
    return this.#complete;
  }

  push(bytes: Uint8Array): ByteText {
    if (this.#error !== undefined || this.#complete) return "";
    const text = this.#buffer.add(toByteText(bytes));
    let shown = "";
    let at = 0;
    while (this.#error === undefined && !this.#complete) {
      const end = eventEnd(text, at);
      if (end < 0) break;
      shown += this.#event(text.slice(at, end));
      at = end;
    }
    if (this.#error === undefined && !this.#complete) {
      this.#buffer.keep(text.slice(at));
      if (this.#buffer.isTooLong) this.#error = malformed(this.#place.upstream, "an event without an end");
    }
    return shown;
  }

  end(): ByteText {
    if (!this.#complete && this.#error === undefined) {
      this.#error = new GatewayError("upstream_malformed", {
        message: "The model's answer ended early.",
        log: `upstream "${this.#place.upstream}": the stream ended ${this.#buffer.isEmpty ? "without [DONE]" : "in the middle of an event"}`,
      });
    }
    return "";
  }

  /** One event as the client is to see it, or "". */
  #event(event: ByteText): ByteText {
    if (this.#isFast && isPlainChunk(event)) {
      this.written += textLength(event);
      return this.#showUsage ? event : event.replace(NO_USAGE, "");
    }
    const data = eventData(event);
    // Comments keep connections alive on the way; Weir keeps its own clock for that.
    if (data === undefined || data === "") return "";
    if (data === "[DONE]") {
      this.#complete = true;
      return "data: [DONE]\n\n";
    }
    return this.#chunk(event, data);
  }

  #chunk(event: ByteText, data: ByteText): ByteText {
    const chunk = parse(data);
    if (chunk === undefined) {
      this.#error = malformed(this.#place.upstream, "an event that is not JSON");
      return "";
    }
    if (chunk.error !== undefined && chunk.error !== null) {
      this.#error = azureStreamError(this.#place, data);
      return "";
    }
    const choices = Array.isArray(chunk.choices) ? chunk.choices : [];
    if (choices.length === 0) return this.#summary(chunk, data);
    this.written += textLength(JSON.stringify(choices));
    // Results of the asynchronous filter come in choices without a delta: no client reads them, and some trip over them.
    if (choices.every((choice) => asObject(choice)?.delta === undefined)) return "";
    if ("usage" in chunk) {
      addUsage(this.usage, chunk.usage);
      if (!this.#showUsage) return frame(editMembers(data, { remove: ["usage"] }));
    }
    return event;
  }

  /** A chunk without choices: the prompt's filter results at the beginning, the usage at the end. */
  #summary(chunk: Record<string, unknown>, data: ByteText): ByteText {
    if (asObject(chunk.usage) === undefined) return "";
    addUsage(this.usage, chunk.usage);
    return this.#showUsage ? frame(data) : "";
  }
}

/** Bytes of the model's text in a chunk of one piece, as JSON writes them. The names and filter results around them are many times as long. */
function textLength(event: ByteText): number {
  const delta = event.indexOf(DELTA);
  for (const name of TEXTS) {
    const at = event.indexOf(name, delta);
    if (at >= 0) return skipString(event, at + name.length - 1) - at - name.length - 1;
  }
  return 0;
}

/** A chunk on one line that can pass as it came. */
function isPlainChunk(event: ByteText): boolean {
  return event.startsWith("data: {") && event.endsWith("}\n\n") && event.includes(DELTA) && !LOOK_INTO.some((part) => event.includes(part));
}

/** On one line: outside its strings JSON may hold line breaks. */
function frame(json: ByteText): ByteText {
  return `data: ${json.replaceAll(/[\r\n]+/g, " ")}\n\n`;
}

function parse(data: ByteText): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(data));
  } catch {
    return undefined;
  }
}

/** Azure counts what it read from its cache among the prompt's tokens. */
function addUsage(usage: Usage, reported: unknown): void {
  const counts = asObject(reported);
  const prompt = asCount(counts?.prompt_tokens);
  if (prompt === undefined) return;
  usage.cacheRead = Math.min(prompt, asCount(asObject(counts?.prompt_tokens_details)?.cached_tokens) ?? 0);
  usage.input = prompt - usage.cacheRead;
  usage.output = asCount(counts?.completion_tokens) ?? 0;
}
