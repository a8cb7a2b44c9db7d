import { type ByteText, toBytes } from "../contract/bytes.ts";
import type { OutgoingStream, StreamSink } from "../contract/stream.ts";

/** What the runtime may hold of a stream before the client has taken it. */
const QUEUE: QueuingStrategy<Uint8Array> = { highWaterMark: 64 * 1024, size: (piece) => piece?.length ?? 0 };

/** What the runtime is given at a time: what it has sent of a large text is let go of. */
const PIECE_BYTES = 256 * 1024;

/** Streams whose queue has been full, with how full it was when that last changed, and the `performance.now()` of it. */
const full = new Map<StandardStream, { room: number; sinceMs: number }>();
const LOOK_EVERY_MS = 1_000;
let watch: ReturnType<typeof setInterval> | undefined;

/**
 * From here on a stream is given up whose reader has taken nothing for so long; for a runtime whose connections have no clocks. The connection itself is
 * closed when the runtime next looks at it.
 */
export function cutStillReaders(afterMs: number): void {
  clearInterval(watch);
  watch = setInterval(() => {
    const nowMs = performance.now();
    for (const [stream, seen] of full) {
      const { room } = stream;
      if (room !== seen.room) full.set(stream, { room, sinceMs: nowMs });
      else if (nowMs - seen.sinceMs >= afterMs) stream.cut();
    }
  }, LOOK_EVERY_MS);
}

/** A stream as the web's own `ReadableStream`, for a server that wants one. */
export class StandardStream implements StreamSink, UnderlyingDefaultSource<Uint8Array> {
  readonly #stream: OutgoingStream;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  private constructor(stream: OutgoingStream) {
    this.#stream = stream;
  }

  static of(stream: OutgoingStream): ReadableStream<Uint8Array> {
    const sink = new StandardStream(stream);
    const body = new ReadableStream<Uint8Array>(sink, QUEUE);
    const { early, closed } = stream.attach(sink);
    if (early !== "") sink.write(early);
    if (closed) sink.close();
    return body;
  }

  get hasRoom(): boolean {
    return this.room > 0;
  }

  /** Bytes that its queue has room for; less than nothing where it holds more than it should. */
  get room(): number {
    return this.#controller?.desiredSize ?? 0;
  }

  write(text: ByteText): void {
    for (let at = 0; at < text.length; at += PIECE_BYTES) this.#controller?.enqueue(toBytes(text.slice(at, at + PIECE_BYTES)));
    if (!this.hasRoom && !full.has(this)) full.set(this, { room: this.room, sinceMs: performance.now() });
  }

  close(): void {
    try {
      this.#controller?.close();
    } catch {
      // The runtime has cancelled the stream in this very turn.
    }
  }

  /** Its reader takes nothing; or all has been taken, and nothing happens. */
  cut(): void {
    full.delete(this);
    this.#stream.left();
    this.abort();
  }

  abort(): void {
    this.#controller?.error(new Error("the answer broke off"));
  }

  /** Of the stream, as its source: it begins. */
  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  /** Of the stream: its queue has room again. */
  pull(): void {
    full.delete(this);
    this.#stream.drained();
  }

  /** Of the stream: its reader has gone. */
  cancel(): void {
    full.delete(this);
    this.#stream.left();
  }
}
