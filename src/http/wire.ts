import type { Buffer } from "node:buffer";

/** A client's socket, as far as a server needs it; a runtime's own sockets are such. */
export interface Wire {
  /** Returns how many of the bytes were taken; of a socket that is closed, a negative number. */
  write(bytes: Buffer, from: number, length: number): number;
  /** Ends this side; what the client sends is still received. */
  shutdown(): void;
  /** Closes both sides in order: what was taken is still sent. */
  end(): void;
  /** Closes at once, and what was not sent is lost. */
  terminate(): void;
  pause(): void;
  resume(): void;
  readonly remoteAddress: string;
}
