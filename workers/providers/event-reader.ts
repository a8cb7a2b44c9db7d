/** The base of all readers of server-sent events: makes whole events from bytes that are cut anywhere, and notices a stream that ends early. */
import { type ByteText, toByteText } from "../../src/contract/bytes.ts";
import { GatewayError } from "../../src/contract/errors.ts";
import { noUsage } from "../../src/contract/usage.ts";
import { EventBuffer, eventEnd } from "../wire/sse.ts";
import { outline } from "./outline.ts";
import type { Reader, ReportedUsage } from "./provider.ts";
import { IdleTalk, malformed } from "./whole-answer.ts";

/** `ErrorContext`: where an error happened, for the log. */
export abstract class EventReader<ErrorContext extends { upstream: string }> implements Reader {
  readonly usage: ReportedUsage = noUsage();
  written = 0;
  error: GatewayError | undefined;
  complete = false;
  protected readonly place: ErrorContext;
  readonly #buffer = new EventBuffer();
  readonly #idleTalk = new IdleTalk();
  readonly #lastEvent: string;

  /** `lastEvent`: the event that must come before the end, for the log. */
  constructor(place: ErrorContext, lastEvent: string) {
    this.place = place;
    this.#lastEvent = lastEvent;
  }

  get held(): number {
    return this.#buffer.length;
  }

  /** The event's text for the client, or "". Sets `error` or `complete` where the event is the last one. */
  protected abstract event(event: ByteText): ByteText;

  push(bytes: Uint8Array): ByteText {
    if (this.error !== undefined || this.complete) return "";
    const text = this.#buffer.add(toByteText(bytes));
    let shown = "";
    let at = 0;
    while (this.error === undefined && !this.complete) {
      const end = eventEnd(text, at);
      if (end < 0) break;
      // A blank line alone is an event too, and an upstream can send many: they are counted.
      const said = end - at <= 2 ? "" : this.event(text.slice(at, end));
      shown += said;
      if (!this.#idleTalk.add(said === "" ? end - at : 0)) this.error ??= malformed(this.place.upstream, "a stream that says nothing");
      at = end;
    }
    if (this.error === undefined && !this.complete) {
      this.#buffer.keep(text.slice(at));
      if (this.#buffer.isTooLong) this.error = malformed(this.place.upstream, "an event without an end");
    }
    return shown;
  }

  /** The last text for the client where the stream ends between two events; undefined where the last event of the protocol is missing. */
  protected closing(): ByteText | undefined {
    return undefined;
  }

  end(): ByteText {
    const last = this.complete || this.error !== undefined || !this.#buffer.isEmpty ? undefined : this.closing();
    if (last !== undefined) {
      this.complete = this.error === undefined;
      return last;
    }
    if (!this.complete && this.error === undefined) {
      this.error = new GatewayError("upstream_malformed", {
        message: "The model's answer ended early.",
        log: `upstream "${this.place.upstream}": the stream ended ${this.#buffer.isEmpty ? `without ${this.#lastEvent}` : "in the middle of an event"}`,
      });
    }
    return "";
  }

  /** The data of an event as an object; of large data only the frame (see `outline`). Sets `error` where the data is no object. */
  protected parse(data: ByteText): Record<string, unknown> | undefined {
    const fields = outline(data);
    if (fields === undefined) this.error = malformed(this.place.upstream, "an event that is not JSON");
    return fields;
  }
}
