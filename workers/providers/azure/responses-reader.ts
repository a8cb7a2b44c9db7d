/** Azure's answer to a Responses request: sent on unchanged; the usage and the end are read from it. Source: the types of openai 7.57. */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { memberValue, skipString } from "../../../src/contract/json.ts";
import { eventData } from "../../wire/sse.ts";
import { EventReader } from "../event-reader.ts";
import { asObject, asWords } from "../failure.ts";
import { MOST_PARSED, outline } from "../outline.ts";
import { malformed, WholeAnswer } from "../whole-answer.ts";
import { azureStreamError, type ErrorContext } from "./errors.ts";
import type { SealedIds } from "./sealed-ids.ts";
import { addUsage, RESPONSES_USAGE } from "./usage.ts";

/** Used as the id of a response until its id is known. */
const UNKNOWN = "?";
const FAILED = "response.failed";
/** Types of the last event of a stream. After a failed response another event with the reason may follow. */
const TERMINAL = new Set(["response.completed", "response.incomplete", "response.cancelled"]);
/** Nearly all events of a stream: sent on without parsing, and counted by their length. */
const DELTA = /^event: ?response\.[a-z_.]+\.delta\r?\n/;
const DELTA_TEXT = '"delta":"';

/** Statuses of a response that is made in the background. */
const UNFINISHED = new Set(["queued", "in_progress"]);

export function isUnfinished({ status }: Record<string, unknown>): boolean {
  return UNFINISHED.has(String(status));
}

/** Reader for a call that does not stream. */
export class WholeResponse extends WholeAnswer {
  unfinished = UNKNOWN;

  constructor(place: ErrorContext, sealedIds: SealedIds | undefined) {
    super(place.upstream, (answer, text, usage) => {
      if (!Array.isArray(answer.output)) return malformed(place.upstream, "the answer is no response");
      addUsage(usage, answer.usage, RESPONSES_USAGE);
      this.unfinished = isUnfinished(answer) ? (asWords(answer.id) ?? UNKNOWN) : "";
      const shownText = sealedIds?.response(text) ?? text;
      // The client gets the text of a failed response too; only the counts treat it as a failure.
      return answer.status === "failed" ? { text: shownText, error: failureIn(place, answer) } : shownText;
    });
  }
}

/** Why a response has failed, as far as the response gives a reason. */
function failureIn(place: ErrorContext, response: Record<string, unknown> | undefined): GatewayError {
  return shown(azureStreamError(place, JSON.stringify({ error: asObject(response?.error) ?? {} })));
}

/** Reader for a call that streams. */
export class ResponsesStream extends EventReader<ErrorContext> {
  /** The failure of the answer. The client has got the event that says so; an event with the reason may still come. */
  #failed: GatewayError | undefined;
  readonly #sealedIds: SealedIds | undefined;
  unfinished = UNKNOWN;

  constructor(place: ErrorContext, sealedIds: SealedIds | undefined = undefined) {
    super(place, "its last event");
    this.#sealedIds = sealedIds;
  }

  /** The stream ended without a reason for the failure. */
  protected override closing(): ByteText | undefined {
    this.error = this.#failed;
    return this.#failed === undefined ? undefined : "";
  }

  /** The event for the client: as it came, or "" where the client gets none. */
  protected override event(event: ByteText): ByteText {
    if (DELTA.test(event)) {
      this.written += deltaLength(event);
      return event;
    }
    const data = eventData(event)?.trim();
    // Comments only keep the connection from Azure open. Weir sends comments to the client itself.
    if (data === undefined || data === "") return "";
    // `[DONE]` belongs to chat completions, not to this protocol.
    if (data === "[DONE]") return "";
    const fields = this.parse(data);
    if (fields === undefined) return "";
    const type = typeof fields.type === "string" ? fields.type : "";
    if (type === "error" || (type === "" && asObject(fields.error) !== undefined)) {
      const error = azureStreamError(this.place, data);
      this.error = this.#failed === undefined ? error : shown(error);
      return this.#failed === undefined ? "" : event;
    }
    // For a large event `fields` has only the frame, and the response may be nearly the whole event.
    const response = data.length > MOST_PARSED ? outline(memberValue(data, "response") ?? "") : asObject(fields.response);
    if (this.unfinished === UNKNOWN) this.unfinished = asWords(response?.id) ?? UNKNOWN;
    if (type === FAILED) {
      addUsage(this.usage, response?.usage, RESPONSES_USAGE);
      this.unfinished = "";
      const failed = failureIn(this.place, response);
      // Without a reason here, an event with the reason follows (maximhq/bifrost#6419).
      if (asWords(asObject(response?.error)?.message) === undefined) this.#failed = failed;
      else this.error = failed;
    } else if (TERMINAL.has(type)) {
      addUsage(this.usage, response?.usage, RESPONSES_USAGE);
      this.unfinished = "";
      this.complete = true;
    } else if (type.endsWith(".delta")) this.written += deltaLength(event);
    return this.#sealedIds === undefined || response === undefined ? event : sealedEvent(type, this.#sealedIds.event(data));
  }
}

/** A server-sent event with its data on one line: outside its strings JSON may hold line breaks. */
function sealedEvent(type: string, data: ByteText): ByteText {
  return `event: ${type}\ndata: ${data.replaceAll(/[\r\n]+/g, " ")}\n\n`;
}

/** Marks an error that the client has already got in the stream. */
function shown({ kind, detail }: GatewayError): GatewayError {
  return new GatewayError(kind, { ...detail, isShown: true });
}

/** Bytes of the model's text in a delta, as JSON writes them. */
function deltaLength(event: ByteText): number {
  const at = event.indexOf(DELTA_TEXT);
  return at < 0 ? 0 : skipString(event, at + DELTA_TEXT.length - 1) - at - DELTA_TEXT.length - 1;
}
