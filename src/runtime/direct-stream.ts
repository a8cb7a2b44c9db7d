import { type ByteText, toBody } from "../contract/bytes.ts";
import type { ClientStream, StreamOwner } from "../contract/stream.ts";

/** What of the controller of such a stream is used here. */
interface DirectController {
  /** A negative number, or a promise, where the socket's buffer is full. The piece is taken all the same. */
  write(piece: string | Uint8Array): number | Promise<number>;
  /** With `true`: once the socket has taken all. */
  flush(wait: boolean): number | Promise<number> | undefined;
  close(): void;
}

/**
 * By Bun's streams of the kind `direct`: a piece goes to the socket at the end of the turn and not through a queue of its own, and texts are sent as they are.
 * Source: "Handling backpressure" in Bun's documentation of streams.
 */
export class DirectStream implements ClientStream {
  /** Of the stream, as its source. */
  readonly type = "direct";
  readonly #owner: StreamOwner;
  #controller: DirectController | undefined;
  /** What comes before the runtime asks for the body. */
  #early: ByteText[] | undefined;
  #closed = false;
  hasRoom = true;

  constructor(owner: StreamOwner) {
    this.#owner = owner;
  }

  begin(): ReadableStream {
    // Its type knows the standard's kinds only.
    return new ReadableStream(this as unknown as UnderlyingDefaultSource);
  }

  write(text: ByteText): void {
    const controller = this.#controller;
    if (controller === undefined) {
      if (this.#early === undefined) this.#early = [text];
      else this.#early.push(text);
      return;
    }
    const taken = controller.write(toBody(text));
    if (this.hasRoom && !(typeof taken === "number" && taken >= 0)) this.#wait(controller);
  }

  close(): void {
    this.#closed = true;
    this.#controller?.close();
  }

  /** Of the stream: the runtime begins to send it. */
  pull(controller: DirectController): void {
    this.#controller = controller;
    const early = this.#early;
    this.#early = undefined;
    for (const text of early ?? []) this.write(text);
    if (this.#closed) controller.close();
    else if (this.hasRoom) this.#owner.drained();
  }

  /** Of the stream: its reader has gone. */
  cancel(): void {
    this.#owner.left();
  }

  #wait(controller: DirectController): void {
    this.hasRoom = false;
    const drained = (): void => {
      this.hasRoom = true;
      this.#owner.drained();
    };
    // It fails with the connection, of which `cancel` tells.
    Promise.resolve(controller.flush(true)).then(drained, () => {});
  }
}
