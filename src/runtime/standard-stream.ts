import { type ByteText, toBytes } from "../contract/bytes.ts";
import type { ClientStream, StreamOwner } from "../contract/stream.ts";

/** What the runtime may hold of a stream before the client has taken it. */
const QUEUE: QueuingStrategy<Uint8Array> = { highWaterMark: 64 * 1024, size: (piece) => piece?.length ?? 0 };

/** By the web's own `ReadableStream`, which every runtime has. */
export class StandardStream implements ClientStream, UnderlyingDefaultSource<Uint8Array> {
  readonly #owner: StreamOwner;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(owner: StreamOwner) {
    this.#owner = owner;
  }

  begin(): ReadableStream {
    return new ReadableStream<Uint8Array>(this, QUEUE);
  }

  get hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  write(text: ByteText): void {
    this.#controller?.enqueue(toBytes(text));
  }

  close(): void {
    try {
      this.#controller?.close();
    } catch {
      // The runtime has cancelled the stream in this very turn.
    }
  }

  /** Of the stream, as its source: it begins. */
  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  /** Of the stream: its queue has room again. */
  pull(): void {
    this.#owner.drained();
  }

  /** Of the stream: its reader has gone. */
  cancel(): void {
    this.#owner.left();
  }
}
