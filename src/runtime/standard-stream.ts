import { type ByteText, toBytes } from "../contract/bytes.ts";
import type { ClientStream, StreamOwner } from "../contract/stream.ts";

/** What the runtime may hold of a stream before the client has taken it. */
const QUEUE: QueuingStrategy<Uint8Array> = { highWaterMark: 64 * 1024, size: (piece) => piece?.length ?? 0 };

/** Streams whose queue has been full, with how full it was when that last changed, and the `performance.now()` of it. */
const full = new Map<StandardStream, { room: number; sinceMs: number }>();
const LOOK_EVERY_MS = 1_000;
let watch: ReturnType<typeof setInterval> | undefined;

/** From here on a stream is cut whose reader has taken nothing for so long; for a runtime whose connections have no clocks. */
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
    return this.room > 0;
  }

  /** Bytes that its queue has room for; less than nothing where it holds more than it should. */
  get room(): number {
    return this.#controller?.desiredSize ?? 0;
  }

  write(text: ByteText): void {
    this.#controller?.enqueue(toBytes(text));
    if (!this.hasRoom && !full.has(this)) full.set(this, { room: this.room, sinceMs: performance.now() });
  }

  close(): void {
    try {
      this.#controller?.close();
    } catch {
      // The runtime has cancelled the stream in this very turn.
    }
  }

  /** Its reader takes nothing, and its connection is closed; or all has been taken, and nothing happens. */
  cut(): void {
    full.delete(this);
    this.#owner.left();
    this.#controller?.error(new Error("the client takes nothing"));
  }

  /** Of the stream, as its source: it begins. */
  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.#controller = controller;
  }

  /** Of the stream: its queue has room again. */
  pull(): void {
    full.delete(this);
    this.#owner.drained();
  }

  /** Of the stream: its reader has gone. */
  cancel(): void {
    full.delete(this);
    this.#owner.left();
  }
}
