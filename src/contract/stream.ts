import type { ByteText } from "./bytes.ts";

/** The owner of a stream, which is called when the stream's state changes. */
export interface StreamOwner {
  /** The client has taken all that was written, as far as the server knows. Also called where nothing had to wait, and once there is a connection. */
  drained(): void;
  /** The client has gone: what is still written is lost. */
  left(): void;
}

/** The place a stream is written to: the connection of its client, or the runtime's own object for it. */
export interface StreamSink {
  /** Takes every text. What is written while `hasRoom` is false waits in memory. */
  write(text: ByteText): void;
  /** Whether the client takes what is written, as far as the server knows: true while the socket's buffer is not full. */
  readonly hasRoom: boolean;
  /** Ends the stream after all that was written. */
  close(): void;
  /** Cuts the stream off, so that the client does not take what it has for the whole answer. */
  abort(): void;
}

/** The body of a streamed answer, written as it comes. What is written before there is a connection waits here. */
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

  /** Cuts the stream off; see `StreamSink.abort`. To be called once there is a sink. */
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
