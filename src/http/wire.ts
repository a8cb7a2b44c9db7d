import type { Buffer } from "node:buffer";

/** A client's socket, as far as a server needs it. Each runtime's sockets are given this form. */
export interface Wire {
  /** Returns how many bytes were taken; a negative number where the socket is closed. */
  write(bytes: Buffer, from: number, length: number): number;
  /** Ends this side; bytes from the client still arrive. */
  shutdown(): void;
  /** Closes both sides in order: bytes that were taken are still sent. */
  end(): void;
  /** Closes at once; bytes that were not sent are lost. */
  terminate(): void;
  pause(): void;
  resume(): void;
  readonly remoteAddress: string;
}
