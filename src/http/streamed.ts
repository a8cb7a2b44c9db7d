import type { ByteText } from "../contract/bytes.ts";
import type { OutgoingStream, StreamSink } from "../contract/stream.ts";

/** Of what connection the stream is. */
export interface StreamedHome {
  readonly hasRoom: boolean;
  /** Has `flush` called at the end of the turn. */
  flushLater(streamed: Streamed): void;
  /** The next bytes of the body; with `isEnd`, the last ones. */
  send(streamed: Streamed, text: ByteText, isEnd: boolean): void;
  /** The end of the body is missing: its client must not take it for whole. */
  breakOff(streamed: Streamed): void;
}

/** An answer that is written as it comes: what is written in one turn leaves as one chunk. */
export class Streamed implements StreamSink {
  readonly #home: StreamedHome;
  readonly #stream: OutgoingStream;
  /** Without chunks: its length was said, or its end is that of the connection. */
  readonly #isRaw: boolean;
  #pending: ByteText = "";
  #isDue = false;
  #isEnding = false;

  constructor(home: StreamedHome, stream: OutgoingStream, isRaw: boolean) {
    this.#home = home;
    this.#stream = stream;
    this.#isRaw = isRaw;
  }

  /** Nothing is written any more. */
  get isOver(): boolean {
    return this.#isEnding;
  }

  get hasRoom(): boolean {
    return this.#home.hasRoom;
  }

  /** Of the connection. What has been written already, in its frame. */
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

  /** Of the server: the turn is over. */
  flush(): void {
    this.#isDue = false;
    const pending = this.#pending;
    this.#pending = "";
    this.#home.send(this, this.#framed(pending), this.#isEnding);
  }

  /** Of the connection: the client has taken what there was. */
  drained(): void {
    this.#stream.drained();
  }

  /** Of the connection: the client has gone. */
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
    // An empty chunk would be the last one.
    const chunk = text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
    return this.#isEnding ? `${chunk}0\r\n\r\n` : chunk;
  }
}
