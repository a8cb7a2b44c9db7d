/**
 * Whose turn it is on a client's connection. Each but `waiting` has a clock: the client sends its request, waits for the answer (an upstream may
 * think for minutes), reads it, and is idle until its next request.
 */
export type Turn = "sending" | "waiting" | "reading" | "idle";

/** How long a connection may be silent, in milliseconds; `server` in weir.yaml has them. A runtime may round them up by some seconds. */
export interface Clocks {
  sendingMs: number;
  readingMs: number;
  idleMs: number;
}
