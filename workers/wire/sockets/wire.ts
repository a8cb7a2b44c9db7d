/** The seam between a connection and the socket under it. Two implementations sit the same exam: `native.ts` and `node.ts`; `http1.ts` chooses. */
import type { Buffer } from "node:buffer";
import type { SecureContext } from "node:tls";
import type { ByteText } from "../../../src/contract/bytes.ts";
import type { Origin } from "../http.ts";
import { hostAndPort } from "../http1-request.ts";
import type { ProxyServer } from "../proxy.ts";

/** Probes start after this much silence: below the idle limits of the NAT gateways and load balancers on the way, so a model may think for minutes. */
export const TCP_KEEP_ALIVE_MS = 45_000;

/** An open socket that can carry a request. */
export interface Wire {
  /** The wire reads up to half a megabyte at once. While it is paused, it keeps the bytes that came before an end. */
  readonly readsMuch: boolean;
  /** Receives the wire's events. Set before the task ends in which the wire was handed over. */
  listener: WireListener | undefined;
  /** Everything written was taken by the system. */
  readonly flushed: boolean;
  /** Returns false where the system did not take all of it: the rest is kept, and `drained` is called when it has gone. */
  write(text: ByteText): boolean;
  /** Stops reading; what was read already may still be delivered. */
  pause(): void;
  resume(): void;
  /** Closes at once, without waiting for what was written; its listener hears nothing more. May be called again. */
  destroy(): void;
}

export interface WireListener {
  /** The view is valid only during the call, and may be overwritten in it. */
  received(bytes: Buffer): void;
  drained(): void;
  /** The peer has ended its side in order. */
  ended(): void;
  /** The connection broke; `text` says how. */
  failed(text: string): void;
  /** The socket is closed; after `ended` or `failed`, or alone. */
  closed(): void;
}

export interface Route {
  origin: Origin;
  proxy: ProxyServer | undefined;
  /** Undefined: the thread's default authorities. */
  trust: SecureContext | undefined;
}

export interface Dialing {
  /** Gives up; the outcome is not reported. */
  cancel(): void;
}

/** Called once and never before `dial` returns: with a wire that can carry a request, or with what went wrong. */
export type Settled = (wire: Wire | undefined, problem: string) => void;

/** Opens a connection, of which the certificate has been verified. @throws Error for a route that cannot be used at all. */
export type Dial = (route: Route, settled: Settled) => Dialing;

/** Node's, Bun's and Deno's codes for a certificate that does not verify (OpenSSL's names, and Node's own for the host name). */
const CERTIFICATE_CODE = /CERT|^UNABLE_TO_|SELF_SIGNED|^HOSTNAME_|^INVALID_(?:CA|PURPOSE)|^PATH_LENGTH_|CRL/;

/** An error of the system as one line: message and code. */
export function describe(thrown: unknown, origin: Origin): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code } = thrown as NodeJS.ErrnoException;
  // Where a name has several addresses the error is one of many, and its own message is empty.
  const first: unknown = thrown instanceof AggregateError ? thrown.errors[0] : undefined;
  const message = thrown.message !== "" ? thrown.message : first instanceof Error ? first.message : "";
  const text = code === undefined || message.includes(code) ? message : `${message} (${code})`;
  if (code === undefined || !CERTIFICATE_CODE.test(code)) return text;
  return `the certificate of ${hostAndPort(origin.host, origin.port)} does not verify: ${text}`;
}
