/** The frames of Bedrock's streams (`application/vnd.amazon.eventstream`), made by AWS's own codec. Source: @smithy/eventstream-codec. */
import { Buffer } from "node:buffer";
import { EventStreamCodec } from "@smithy/eventstream-codec";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
  (characters) => new Uint8Array(Buffer.from(characters, "utf8")),
);

const PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** A frame with one event of the model. `p` is filler by which the service hides the length of the event from those who watch the connection. */
export function chunkFrame(event: string, p: string): Uint8Array {
  const bytes = Buffer.from(event, "utf8").toString("base64");
  return codec.encode({
    headers: {
      ":event-type": { type: "string", value: "chunk" },
      ":content-type": { type: "string", value: "application/json" },
      ":message-type": { type: "string", value: "event" },
    },
    body: Buffer.from(JSON.stringify({ bytes, p })),
  });
}

export function exceptionFrame(type: string, detail: { message: string } & Record<string, unknown>): Uint8Array {
  return codec.encode({
    headers: {
      ":exception-type": { type: "string", value: type },
      ":content-type": { type: "string", value: "application/json" },
      ":message-type": { type: "string", value: "exception" },
    },
    body: Buffer.from(JSON.stringify(detail)),
  });
}

/** A frame with an error that is not among the exceptions of the service's description. */
export function errorFrame(code: string, message: string): Uint8Array {
  return codec.encode({
    headers: {
      ":message-type": { type: "string", value: "error" },
      ":error-code": { type: "string", value: code },
      ":error-message": { type: "string", value: message },
    },
    body: new Uint8Array(0),
  });
}

/** A copy of the frame whose checksum is wrong. */
export function corruptFrame(frame: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(frame);
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 0xff;
  return copy;
}

/** The filler of the frame with this number. Its length differs from frame to frame, and is the same in every run. */
export function paddingOf(index: number): string {
  return PADDING.slice(0, 2 + ((index * 37) % (PADDING.length - 1)));
}

const MOST_KEPT = 4_096;

/** Encodes each pair of event and filler once, because a benchmark asks for the same answer a thousand times. */
export class FrameCache {
  readonly #frames = new Map<string, Uint8Array>();

  chunk(event: string, index: number): Uint8Array {
    const p = paddingOf(index);
    const key = p.length + event;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      frame = chunkFrame(event, p);
      if (this.#frames.size >= MOST_KEPT) this.#frames.clear();
      this.#frames.set(key, frame);
    }
    return frame;
  }
}
