/** A connection without a socket: what a client sends is given to the server in pieces, and what the server does is noted. */
import { Buffer } from "node:buffer";
import type { Connection } from "../../../src/http/connection.ts";
import type { HttpServer } from "../../../src/http/server.ts";
import type { Wire } from "../../../src/http/wire.ts";

export class TestWire implements Wire {
  received = "";
  /** `open`, `shut` (this side has ended), `closed` or `reset`. */
  state: "open" | "shut" | "closed" | "reset" = "open";
  isPaused = false;
  /** How many bytes the client's side takes; then it is full. */
  room = Number.POSITIVE_INFINITY;
  readonly remoteAddress = "192.0.2.1";
  connection: Connection | undefined;
  writes = 0;

  constructor(server: HttpServer) {
    this.connection = server.accept(this);
  }

  write(bytes: Buffer, from: number, length: number): number {
    if (this.state !== "open") return -1;
    this.writes++;
    const taken = Math.min(length, this.room);
    this.room -= taken;
    this.received += bytes.toString("latin1", from, from + taken);
    return taken;
  }

  shutdown(): void {
    if (this.state === "open") this.state = "shut";
  }

  end(): void {
    this.#closed("closed");
  }

  terminate(): void {
    this.#closed("reset");
  }

  pause(): void {
    this.isPaused = true;
  }

  /** What its socket does then, before it returns. */
  onResume = (): void => {};

  resume(): void {
    this.isPaused = false;
    this.onResume();
  }

  send(text: string): void {
    if (this.state !== "closed" && this.state !== "reset") this.connection?.received(Buffer.from(text, "latin1"));
  }

  /** The client takes so many bytes more. */
  take(bytes: number): void {
    this.room += bytes;
    this.connection?.drained();
  }

  /** As runtimes do it: the end of a socket is reported in the middle of the call that ends it. */
  #closed(how: "closed" | "reset"): void {
    if (this.state === "closed" || this.state === "reset") return;
    this.state = how;
    this.connection?.closed();
  }
}

/** Until all that follows from what was sent has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await Promise.resolve();
}
