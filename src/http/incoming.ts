import { Buffer } from "node:buffer";
import { toByteText } from "../contract/bytes.ts";
import type { Asked, Body, BodyReceiver, BrokenBody } from "../contract/http.ts";
import { MOST_TEXT_BYTES } from "../contract/http.ts";
import type { Head } from "./head.ts";

/** The connection that a request came on. */
export interface IncomingOwner {
  readonly address: string;
  /** Takes the body out of the bytes that are being read, where all of it is there. */
  takeWhole(incoming: Incoming): Body | undefined;
  /** The handler wants the body now: the client may send more, and gets "100 Continue" if it waits for that. */
  wanted(incoming: Incoming): void;
}

/** One request on its connection. Its body is kept here until it is asked for. */
export class Incoming implements Asked {
  readonly head: Head;
  readonly isFirst: boolean;
  onLeft: (() => void) | undefined;
  readonly #owner: IncomingOwner;
  #receiver: BodyReceiver | undefined;
  #early: Buffer[] | undefined;
  /** Number of bytes of the body that wait here. */
  waiting = 0;
  #ended = false;
  #broken: BrokenBody | undefined;

  constructor(owner: IncomingOwner, head: Head, isFirst: boolean) {
    this.#owner = owner;
    this.head = head;
    this.isFirst = isFirst;
  }

  get method(): string {
    return this.head.method;
  }

  get url(): string {
    return this.head.target;
  }

  get headers(): Head {
    return this.head;
  }

  get address(): string {
    return this.#owner.address;
  }

  /** Whether a handler has asked for the body. */
  get isRead(): boolean {
    return this.#receiver !== undefined;
  }

  takeBody(): Body | undefined {
    if (!this.#ended) return this.#owner.takeWhole(this);
    const early = this.#early ?? [];
    const { waiting } = this;
    this.#letGo();
    if (waiting <= MOST_TEXT_BYTES)
      return early.length === 1 && early[0] !== undefined ? toByteText(early[0]) : early.map(toByteText).join("");
    const whole = new Uint8Array(waiting);
    let at = 0;
    for (const piece of early) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  read(receiver: BodyReceiver): void {
    this.#receiver = receiver;
    const early = this.#early ?? [];
    this.#letGo();
    for (const piece of early) receiver.piece(piece);
    if (this.#ended) receiver.end();
    else if (this.#broken !== undefined) receiver.broken(this.#broken);
    else this.#owner.wanted(this);
  }

  /** Called by the connection: more of the body. The view is valid only during the call. */
  piece(bytes: Buffer): void {
    if (this.#receiver !== undefined) {
      if (this.#broken === undefined) this.#receiver.piece(bytes);
      return;
    }
    if (this.#broken !== undefined) return;
    const own = Buffer.from(bytes);
    this.waiting += own.length;
    if (this.#early === undefined) this.#early = [own];
    else this.#early.push(own);
  }

  /** Called by the connection: the body is complete. */
  end(): void {
    // The rest of a body that was late may still come.
    if (this.#broken !== undefined) return;
    this.#ended = true;
    this.#receiver?.end();
  }

  /** Called by the connection: the rest of the body will not come. */
  broken(why: BrokenBody): void {
    if (this.#ended || this.#broken !== undefined) return;
    this.#broken = why;
    this.#receiver?.broken(why);
  }

  /** Called by the connection: the client has gone, and no answer can reach it. */
  left(): void {
    this.#letGo();
    this.broken({ reason: "left", text: "The request broke off before its body was complete." });
    this.onLeft?.();
  }

  #letGo(): void {
    this.#early = undefined;
    this.waiting = 0;
  }
}
