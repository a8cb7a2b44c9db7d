/** Bedrock's answer as text of the Anthropic dialect: event-stream frames become server-sent events; an answer that does not stream is one JSON body. */
import type { Buffer } from "node:buffer";
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { editMembers, editNested, memberValue } from "../../../src/contract/json.ts";
import { noUsage } from "../../../src/contract/usage.ts";
import { FrameDecoder, readHeaders } from "../../wire/eventstream.ts";
import { asObject, asWords, countFor, errorFields } from "../failure.ts";
import type { Reader, ReportedUsage } from "../provider.ts";
import { IdleTalk, malformed, WholeAnswer } from "../whole-answer.ts";
import { eventOf, hasChunkHeaders, textLength } from "./chunk.ts";
import type { Guard } from "./controls.ts";
import { bedrockException, type ErrorContext } from "./errors.ts";
import { MARK, noteAction, stopReason, withoutMarks } from "./guardrail.ts";

const EVENT_START = '{"type":"';
const METRICS = "amazon-bedrock-invocationMetrics";

/** Bound on one message: the longest answer of any model has some 128,000 tokens. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Reader for a call that does not stream. */
export function bedrockAnswer(place: ErrorContext, model: string, guard?: Guard): Reader {
  return new WholeAnswer(
    place.upstream,
    (answer, text, usage) => {
      if (answer.type === "error") {
        const error = errorFields(memberValue(text, "error") ?? "");
        return bedrockException(place, asWords(error?.type) ?? "", asWords(error?.message) ?? "");
      }
      if (answer.type !== "message") return malformed(place.upstream, "the answer is no message");
      addUsage(usage, answer.usage);
      usage.output = countFor(usage, asObject(answer.usage)?.output_tokens) ?? 0;
      const shown = editMembers(text, { set: { model: asciiJson(model) }, remove: [METRICS] });
      if (guard === undefined) return shown;
      noteAction(answer, usage);
      const reason = usage.isGuarded ? stopReason(answer.stop_reason) : undefined;
      return withoutMarks(reason === undefined ? shown : editMembers(shown, { set: { stop_reason: reason } }), guard);
    },
    { mostBytes: MOST_MESSAGE_BYTES },
  );
}

/** Reader for a call that streams. */
export class BedrockStream implements Reader {
  readonly usage: ReportedUsage = noUsage();
  written = 0;
  readonly #place: ErrorContext;
  readonly #model: string;
  readonly #guard: Guard;
  readonly #isFast: boolean;
  readonly #decoder = new FrameDecoder((bytes, headersAt, payloadAt, payloadEnd) => this.#frame(bytes, headersAt, payloadAt, payloadEnd));
  readonly #idleTalk = new IdleTalk();
  #text: ByteText = "";
  /** In a stream with a guardrail: the event with the stop reason, held until the last event, which may still report an intervention. */
  #ending: ByteText | undefined;
  #error: GatewayError | undefined;
  #complete = false;

  /** `model`: as the client named it. `isFast` false parses every frame: for tests that compare the two ways. */
  constructor(place: ErrorContext, model: string, guard?: Guard, isFast = true) {
    this.#place = place;
    this.#guard = guard;
    this.#model = model;
    this.#isFast = isFast;
  }

  get error(): GatewayError | undefined {
    return this.#error;
  }

  get complete(): boolean {
    return this.#complete;
  }

  get held(): number {
    return this.#decoder.held;
  }

  push(bytes: Uint8Array): ByteText {
    if (this.#error !== undefined || this.#complete) return "";
    this.#text = "";
    this.#decoder.push(bytes);
    if (this.#decoder.error !== undefined && !this.#complete) this.#malformed(this.#decoder.error);
    return this.#text;
  }

  end(): ByteText {
    if (!this.#complete && this.#error === undefined) {
      this.#error = new GatewayError("upstream_malformed", {
        message: "The model's answer ended early.",
        log: `upstream "${this.#place.upstream}": the stream ended ${this.#decoder.inFrame ? "in the middle of a frame" : "without message_stop"}`,
      });
    }
    return "";
  }

  #frame(bytes: Buffer, headersAt: number, payloadAt: number, payloadEnd: number): boolean {
    const before = this.#text.length;
    if (this.#isFast && hasChunkHeaders(bytes, headersAt, payloadAt)) this.#chunk(bytes.toString("latin1", payloadAt, payloadEnd));
    else this.#rareFrame(bytes, headersAt, payloadAt, payloadEnd);
    if (!this.#idleTalk.add(this.#text.length === before ? payloadEnd - headersAt + 1 : 0)) this.#malformed("a stream that says nothing");
    return this.#error === undefined && !this.#complete;
  }

  #rareFrame(bytes: Buffer, headersAt: number, payloadAt: number, payloadEnd: number): void {
    const headers = readHeaders(bytes, headersAt, payloadAt);
    const payload = bytes.toString("latin1", payloadAt, payloadEnd);
    switch (headers?.get(":message-type")) {
      case "event":
        // Kinds of events that Bedrock may add one day have no meaning in the dialect.
        if (headers.get(":event-type") === "chunk") this.#chunk(payload);
        return;
      case "exception": {
        const fields = errorFields(payload);
        const message = asWords(fields?.message) ?? asWords(fields?.Message) ?? asWords(fields?.originalMessage);
        this.#error = bedrockException(this.#place, asWords(headers.get(":exception-type")) ?? "", message ?? "");
        return;
      }
      case "error":
        this.#error = bedrockException(
          this.#place,
          asWords(headers.get(":error-code")) ?? "",
          asWords(headers.get(":error-message")) ?? "",
        );
        return;
      default:
        this.#malformed(headers === undefined ? "the headers of a frame are malformed" : "a frame of an unknown kind");
    }
  }

  #chunk(payload: ByteText): void {
    const event = eventOf(payload, this.#isFast);
    if (event === undefined) {
      this.#malformed("a chunk that is no base64 in JSON");
      return;
    }
    // Outside its strings JSON may hold line breaks, and each would end the event's data.
    const line = event.includes("\n") || event.includes("\r") ? event.replace(/[\r\n]+/g, " ").trim() : event;
    const json = this.#guard !== undefined && line.includes(MARK) ? this.#guarded(line) : line;
    if (json === undefined) return;
    const type = this.#typeOf(json);
    switch (type) {
      case undefined:
        return;
      case "message_start":
        this.#messageStart(json);
        return;
      case "message_delta":
        this.#messageDelta(json);
        break;
      case "message_stop":
        this.#messageStop(json);
        return;
      case "content_block_delta":
        this.written += textLength(json);
        break;
      case "error": {
        const error = asObject(errorFields(json)?.error);
        this.#error = bedrockException(this.#place, asWords(error?.type) ?? "", asWords(error?.message) ?? "");
        return;
      }
    }
    if (this.#error !== undefined) return;
    if (type !== "message_delta" || this.#guard === undefined) this.#emit(type, json);
    else {
      this.#emitEnding();
      this.#ending = json;
    }
  }

  /** Notes the guardrail's members of an event, and returns the event without them; undefined where it has no other member. */
  #guarded(json: ByteText): ByteText | undefined {
    const event = this.#parse(json);
    if (event === undefined) return undefined;
    noteAction(event, this.usage);
    return event.type === undefined ? undefined : withoutMarks(json, this.#guard);
  }

  /** Sends the held event with the stop reason. */
  #emitEnding(): void {
    const ending = this.#ending;
    if (ending === undefined) return;
    this.#ending = undefined;
    const reason = this.usage.isGuarded ? stopReason(asObject(this.#parse(ending)?.delta)?.stop_reason) : undefined;
    this.#emit("message_delta", reason === undefined ? ending : editNested(ending, "delta", { set: { stop_reason: reason } }));
  }

  #typeOf(json: ByteText): string | undefined {
    if (this.#isFast && json.startsWith(EVENT_START) && json.endsWith("}")) {
      const type = json.slice(EVENT_START.length, json.indexOf('"', EVENT_START.length));
      if (PLAIN_TYPES.has(type)) return type;
    }
    const type = this.#parse(json)?.type;
    if (this.#error !== undefined) return undefined;
    // The type becomes a line of its own, so it must not hold a line break.
    if (typeof type === "string" && /^[\w.-]+$/.test(type)) return type;
    return this.#malformed("an event without a type");
  }

  #messageStart(json: ByteText): void {
    const message = asObject(this.#parse(json)?.message);
    if (message === undefined) {
      this.#malformed("a message_start without its message");
      return;
    }
    addUsage(this.usage, message.usage);
    this.#emit("message_start", editNested(json, "message", { set: { model: asciiJson(this.#model) } }));
  }

  /** The counts are those of the whole answer so far; older models report only the output here. */
  #messageDelta(json: ByteText): void {
    const usage = asObject(this.#parse(json)?.usage);
    addUsage(this.usage, usage);
    this.usage.output = Math.max(this.usage.output, countFor(this.usage, usage?.output_tokens) ?? 0);
  }

  #messageStop(json: ByteText): void {
    let shown = json;
    if (json.includes(METRICS)) {
      addMetrics(this.usage, asObject(this.#parse(json)?.[METRICS]));
      shown = editMembers(json, { remove: [METRICS] });
    }
    if (this.#error !== undefined) return;
    this.#complete = true;
    this.#emitEnding();
    this.#emit("message_stop", shown);
  }

  #emit(type: string, json: ByteText): void {
    this.#text += `event: ${type}\ndata: ${json}\n\n`;
  }

  #parse(json: ByteText): Record<string, unknown> | undefined {
    try {
      return asObject(JSON.parse(json));
    } catch {
      return this.#malformed("an event that is not JSON");
    }
  }

  #malformed(log: string): undefined {
    this.#error ??= malformed(this.#place.upstream, log);
  }
}

/** Types of events that need no parsing; the first two are nearly all of a stream. */
const PLAIN_TYPES = new Set(
  "content_block_delta ping content_block_start content_block_stop message_start message_delta message_stop".split(" "),
);

/** A JSON string in ASCII only, so that it is correct as byte text whatever characters the model's name has. */
function asciiJson(characters: string): ByteText {
  return JSON.stringify(characters).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Adds all counts but the output: a `message_start` has only a placeholder for it. */
function addUsage(usage: ReportedUsage, reported: unknown): void {
  const counts = asObject(reported);
  usage.input = Math.max(usage.input, countFor(usage, counts?.input_tokens) ?? 0);
  usage.cacheRead = Math.max(usage.cacheRead, countFor(usage, counts?.cache_read_input_tokens) ?? 0);
  usage.cacheWrite = Math.max(usage.cacheWrite, countFor(usage, counts?.cache_creation_input_tokens) ?? 0);
  const hour = countFor(usage, asObject(counts?.cache_creation)?.ephemeral_1h_input_tokens) ?? 0;
  usage.cacheWriteHour = Math.min(usage.cacheWrite, Math.max(usage.cacheWriteHour, hour));
  usage.reasoning = Math.max(usage.reasoning, countFor(usage, asObject(counts?.output_tokens_details)?.thinking_tokens) ?? 0);
}

/** Adds Bedrock's own counts where the events had none (models of 2024 report no input in their events). */
function addMetrics(usage: ReportedUsage, metrics: Record<string, unknown> | undefined): void {
  usage.output ||= countFor(usage, metrics?.outputTokenCount) ?? 0;
  if (usage.input + usage.cacheRead + usage.cacheWrite > 0) return;
  usage.input = countFor(usage, metrics?.inputTokenCount) ?? 0;
  usage.cacheRead = countFor(usage, metrics?.cacheReadInputTokenCount) ?? 0;
  usage.cacheWrite = countFor(usage, metrics?.cacheWriteInputTokenCount) ?? 0;
}
