/**
 * The seam between a call and the HTTP client that carries it. Two implementations sit the same exam: `http1.ts` (in use), and `http-fetch.ts` of the tests (its cross-check).
 */
import type { ByteText } from "../../src/contract/bytes.ts";
import type { Timeouts } from "../../src/contract/config.ts";

/** Where to connect; made once per upstream and shared by its calls (the pool is per origin object). */
export interface Origin {
  tls: boolean;
  host: string;
  port: number;
  /** PEM authorities trusted beside the system's. */
  ca: string | undefined;
}

export interface HttpRequest {
  origin: Origin;
  method: "POST" | "GET" | "DELETE";
  /** Path and query as they go on the wire, already encoded. */
  path: string;
  /** Name, value, name, value …; names in lower case; best one frozen list for all calls with the same headers. The client adds `host` (where it is absent), `content-length` and `connection` itself. */
  headers: readonly string[];
  /** Further headers, of this request alone, so that `headers` can be one frozen list for all requests. */
  further?: readonly string[];
  body: ByteText;
}

/** Lower-case names; a repeated header is joined with ", ". */
export type HttpHeaders = ReadonlyMap<string, string>;

/** Why there is no (whole) answer; `fault`: an exception in Weir. `text` is for the operator's log. */
export interface HttpFailure {
  reason: "unreachable" | "timeout" | "malformed" | "broken" | "fault";
  text: string;
  /** True where not one byte of an answer had come. */
  beforeFirstByte: boolean;
}

/** What the client reports of one exchange, in this order: head, chunks, then end or fail; or fail alone. Nothing comes after `abort()`. */
export interface HttpEvents {
  head(status: number, headers: HttpHeaders): void;
  /** Body bytes, in order, as they came. The view is valid only during the call: keep a copy, not the array. */
  chunk(bytes: Uint8Array): void;
  /** The kept connection on which the request left died at once; the request leaves once more, on a new connection. */
  resent?(): void;
  /** The answer is complete by its own framing. */
  end(): void;
  fail(failure: HttpFailure): void;
}

export interface HttpExchange {
  /** Stops reading from the upstream; what was read already may still be delivered. The silence clock stops meanwhile. */
  pause(): void;
  resume(): void;
  /**
   * No further bytes are wanted: the call is over, by the answer's own last word. The rest of the answer (a closing chunk) is read to its end, so that the
   * connection can be used again; but only for a short time, as the rest is not counted any more. Harmless when the exchange is over.
   */
  letEnd(): void;
  /** Closes the connection at once; no event comes after it. Harmless when the exchange is over. */
  abort(): void;
}

export interface HttpClient {
  send(request: HttpRequest, timeouts: Timeouts, events: HttpEvents): HttpExchange;
  /** Closes the idle connections of an origin that no new call will name, and keeps no more of them. Open exchanges go on. */
  forget(origin: Origin): void;
  /** Closes idle connections and refuses further calls; open exchanges fail. */
  close(): void;
}
