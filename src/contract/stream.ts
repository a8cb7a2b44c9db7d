import type { ByteText } from "./bytes.ts";

/** The owner of a stream, which is called when the stream's state changes. */
export interface StreamOwner {
  /** All that was written has been taken, as far as it is known. Also called where nothing had to wait, and once there is a connection. */
  drained(): void;
  /** The client has gone, and with it what is still written. */
  left(): void;
}

/** The place a stream is written to: the connection of its client, or the runtime's own object for it. */
export interface StreamSink {
  /** Nothing that is written is refused: who writes keeps to `hasRoom`, or it waits in memory. */
  write(text: ByteText): void;
  /** Whether the client takes what is written, as far as it is known: true while the socket's buffer is not full. */
  readonly hasRoom: boolean;
  /** The end, after all that was written. */
  close(): void;
  /** There is no end: the client must not take what it has for whole. */
  abort(): void;
}

/** The body of a streamed answer, written as it comes; what comes before there is a connection for it waits here. */
export class OutgoingStream {
  readonly #owner: StreamOwner;
  #sink: StreamSink | undefined;
  #early: ByteText = "";
  #closed = false;

  constructor(owner: StreamOwner) {
    this.#owner = owner;
  }

  get hasRoom(): boolean {
    return this.#sink?.hasRoom ?? true;
  }

  write(text: ByteText): void {
    if (this.#sink === undefined) this.#early += text;
    else this.#sink.write(text);
  }

  close(): void {
    this.#closed = true;
    this.#sink?.close();
  }

  /** Ends it where its end is missing. To be called once there is a sink. */
  abort(): void {
    this.#sink?.abort();
  }

  /** Called by the server: from now on what is written goes to this sink. Returns what was written before, which the sink has to send as well. */
  attach(sink: StreamSink): { early: ByteText; closed: boolean } {
    const early = this.#early;
    this.#early = "";
    this.#sink = sink;
    return { early, closed: this.#closed };
  }

  /** Called by the server. */
  drained(): void {
    this.#owner.drained();
  }

  /** Called by the server: the client has gone. */
  left(): void {
    this.#owner.left();
  }
}
