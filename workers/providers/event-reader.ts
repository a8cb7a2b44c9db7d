/** What the readers of server-sent events have in common: whole events out of cut bytes, and an end that must not come early. */
import { type ByteText, toByteText } from "../../src/contract/bytes.ts";
import { GatewayError } from "../../src/contract/errors.ts";
import { noUsage } from "../../src/contract/usage.ts";
import { EventBuffer, eventEnd } from "../wire/sse.ts";
import { outline } from "./outline.ts";
import type { Reader, ReportedUsage } from "./provider.ts";
import { IdleTalk, malformed } from "./whole-answer.ts";

/** `Place`: where it happens, for the log. */
export abstract class EventReader<Place extends { upstream: string }> implements Reader {
  readonly usage: ReportedUsage = noUsage();
  written = 0;
  error: GatewayError | undefined;
  complete = false;
  protected readonly place: Place;
  readonly #buffer = new EventBuffer();
  readonly #idleTalk = new IdleTalk();
  readonly #lastEvent: string;

  /** `lastEvent`: what a stream must not end without, for the log. */
  constructor(place: Place, lastEvent: string) {
    this.place = place;
    this.#lastEvent = lastEvent;
  }

  get held(): number {
    return this.#buffer.length;
  }

  /** One event as the client is to see it, or "". Sets `error` or `complete` where it is the last one. */
  protected abstract event(event: ByteText): ByteText;

  push(bytes: Uint8Array): ByteText {
    if (this.error !== undefined || this.complete) return "";
    const text = this.#buffer.add(toByteText(bytes));
    let shown = "";
    let at = 0;
    while (this.error === undefined && !this.complete) {
      const end = eventEnd(text, at);
      if (end < 0) break;
      // A blank line by itself is an event too, and cheap to send.
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

  /** What the client is still to see where the stream may end between two events; undefined where its last event is missing. */
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

  /** The object that an event's data is, of a large one its frame (see `outline`); where it is none, the stream has gone wrong. */
  protected parse(data: ByteText): Record<string, unknown> | undefined {
    const fields = outline(data);
    if (fields === undefined) this.error = malformed(this.place.upstream, "an event that is not JSON");
    return fields;
  }
}
