/** The system's error of a connection, as one line. */
import type { Origin } from "../http.ts";
import { hostAndPort } from "../http1-request.ts";

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
