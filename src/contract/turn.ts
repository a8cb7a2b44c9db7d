/**
 * Whose turn it is on a client's connection. Each but `waiting` has a clock: the client sends a request's head, sends its body, waits for the answer (an upstream may
 * think for minutes), reads it, and is idle until its next request.
 */
export type Turn = "head" | "sending" | "waiting" | "reading" | "idle";

/** How long a connection may be silent, in milliseconds; `server` in weir.yaml has them. `headMs` is for the whole head. */
export interface Clocks {
  headMs: number;
  sendingMs: number;
  readingMs: number;
  idleMs: number;
}
