import { Buffer } from "node:buffer";
import type { ByteText } from "../contract/bytes.ts";
import type { Wire } from "./wire.ts";

/** Texts are encoded here, one after the other; a socket has taken its bytes, or not, when its `write` returns. */
const outgoing = Buffer.allocUnsafeSlow(65_536);

/** What is written to a client, and what of it has not been taken yet. */
export class Outlet {
  #wire: Wire | undefined;
  #rest: ByteText = "";

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  get isEmpty(): boolean {
    return this.#rest === "";
  }

  write(text: ByteText): void {
    if (this.#rest === "") this.#push(text);
    else this.#rest += text;
  }

  /** A head and its body, in one write where they fit into one. */
  writeTwo(head: ByteText, body: ByteText): void {
    if (this.#rest !== "" || head.length + body.length > outgoing.length) {
      this.write(head);
      this.write(body);
      return;
    }
    const headLength = outgoing.write(head, 0, "latin1");
    const length = headLength + outgoing.write(body, headLength, "latin1");
    const taken = this.#take(length);
    if (taken < length) this.#rest = (head + body).slice(taken);
  }

  /** The client may take more. Returns whether it took any of what waited. */
  again(): boolean {
    const rest = this.#rest;
    this.#rest = "";
    this.#push(rest);
    return this.#rest.length < rest.length;
  }

  /** Nothing more is written, and what waits is let go of. */
  close(): void {
    this.#wire = undefined;
    this.#rest = "";
  }

  #push(text: ByteText): void {
    for (let at = 0; at < text.length; ) {
      const length = outgoing.write(at === 0 ? text : text.slice(at), 0, "latin1");
      const taken = this.#take(length);
      at += taken;
      if (taken < length) {
        this.#rest = text.slice(at);
        return;
      }
    }
  }

  /** Negative on a socket that is closed, of which its end is told by itself. */
  #take(length: number): number {
    return Math.max(0, this.#wire?.write(outgoing, 0, length) ?? 0);
  }
}
