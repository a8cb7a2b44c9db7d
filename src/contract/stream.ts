import type { ByteText } from "./bytes.ts";

/** Whose stream it is: told what becomes of it. */
export interface StreamOwner {
  /** There is room again; told also where there was. */
  drained(): void;
  /** The client has gone, and with it what is still written. */
  left(): void;
}

/** The body of a streamed answer, written as it comes. */
export interface ClientStream {
  /** The body for a `Response`; asked for once, since whoever keeps it keeps all that hangs on it. */
  begin(): ReadableStream;
  /** Nothing that is written is refused: who writes keeps to `hasRoom`, or it waits in memory. */
  write(text: ByteText): void;
  /** Whether the client takes what is written, as far as it is known: the socket's buffer is not full. */
  readonly hasRoom: boolean;
  /** The end, after all that was written. */
  close(): void;
}

export type OpenStream = (owner: StreamOwner) => ClientStream;
