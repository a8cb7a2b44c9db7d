import { type ByteText, toBytes } from "../contract/bytes.ts";
import type { OutgoingStream, StreamSink } from "../contract/stream.ts";

/** What the runtime may hold of a stream before the client has taken it. */
const QUEUE: QueuingStrategy<Uint8Array> = { highWaterMark: 64 * 1024, size: (piece) => piece?.length ?? 0 };

/** What the runtime is given at a time: what it has sent of a large text is let go of. */
const PIECE_BYTES = 256 * 1024;

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
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  write(text: ByteText): void {
    for (let at = 0; at < text.length; at += PIECE_BYTES) this.#controller?.enqueue(toBytes(text.slice(at, at + PIECE_BYTES)));
  }

  close(): void {
    try {
      this.#controller?.close();
    } catch {
      // The runtime has cancelled the stream in this very turn.
    }
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
    this.#stream.drained();
  }

  /** Of the stream: its reader has gone. */
  cancel(): void {
    this.#stream.left();
  }
}
