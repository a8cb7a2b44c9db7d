import type { ByteText } from "../contract/bytes.ts";
import type { OutgoingStream, StreamSink } from "../contract/stream.ts";

/** The connection of a stream. */
export interface StreamedHome {
  readonly hasRoom: boolean;
  /** Makes the server call `flush` at the end of the turn. */
  flushLater(streamed: Streamed): void;
  /** The next bytes of the body; with `isEnd`, the last ones. */
  send(streamed: Streamed, text: ByteText, isEnd: boolean): void;
  /** The end of the body is missing: the connection is cut, so that the client does not take the body for a whole one. */
  breakOff(streamed: Streamed): void;
}

/** An answer that is written in pieces: all pieces of one turn leave as one chunk. */
export class Streamed implements StreamSink {
  readonly #home: StreamedHome;
  readonly #stream: OutgoingStream;
  /** Written without chunks: its length is known, or it ends with the connection. */
  readonly #isRaw: boolean;
  #pending: ByteText = "";
  #isDue = false;
  #isEnding = false;

  constructor(home: StreamedHome, stream: OutgoingStream, isRaw: boolean) {
    this.#home = home;
    this.#stream = stream;
    this.#isRaw = isRaw;
  }

  /** Nothing more can be written. */
  get isOver(): boolean {
    return this.#isEnding;
  }

  get hasRoom(): boolean {
    return this.#home.hasRoom;
  }

  /** Called by the connection. Returns what has been written so far, as a chunk. */
  begin(): ByteText {
    const { early, closed } = this.#stream.attach(this);
    this.#isEnding = closed;
    return this.#framed(early);
  }

  write(text: ByteText): void {
    this.#pending += text;
    this.#later();
  }

  close(): void {
    this.#isEnding = true;
    this.#later();
  }

  abort(): void {
    this.#home.breakOff(this);
  }

  /** Called by the server at the end of the turn. */
  flush(): void {
    this.#isDue = false;
    const pending = this.#pending;
    this.#pending = "";
    this.#home.send(this, this.#framed(pending), this.#isEnding);
  }

  /** Called by the connection: the client has taken all bytes. */
  drained(): void {
    this.#stream.drained();
  }

  /** Called by the connection: the client has gone. */
  left(): void {
    this.#stream.left();
  }

  #later(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#home.flushLater(this);
  }

  #framed(text: ByteText): ByteText {
    if (this.#isRaw) return text;
    // An empty chunk would end the body.
    const chunk = text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
    return this.#isEnding ? `${chunk}0\r\n\r\n` : chunk;
  }
}
