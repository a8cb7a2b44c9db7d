import { Buffer } from "node:buffer";
import type { ByteText } from "../contract/bytes.ts";
import type { Wire } from "./wire.ts";

/** One buffer for all sockets: when `write` returns, the socket has taken its bytes or refused them, so the buffer is free again. */
const outgoing = Buffer.allocUnsafeSlow(65_536);

/** Writes to a client, and keeps the bytes that the socket has not taken yet. */
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

  /** Writes a head and its body, in one write if both fit into the buffer. */
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

  /** The socket may take more. Returns whether it took any of the waiting bytes. */
  again(): boolean {
    const rest = this.#rest;
    this.#rest = "";
    this.#push(rest);
    return this.#rest.length < rest.length;
  }

  /** Writes nothing more, and drops the bytes that wait. */
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

  /** Returns how many bytes were taken. A closed socket takes none, and reports its end itself. */
  #take(length: number): number {
    return Math.max(0, this.#wire?.write(outgoing, 0, length) ?? 0);
  }
}
