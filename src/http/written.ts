/** The text of answers: heads, and refusals that the server writes by itself. */
import type { Flaw, Reply } from "../contract/http.ts";
import { REASONS } from "./reasons.ts";

const lines = new Map<number, string>();

function statusLine(status: number): string {
  let line = lines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\n`;
    lines.set(status, line);
  }
  return line;
}

/** Whether answers with this status have neither a body nor a length. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}

/** The head of an answer with its empty line. `minor`: 0 for HTTP/1.0, 1 for HTTP/1.1. */
export function headOf({ status, headers, body }: Reply, date: string, isLast: boolean, minor: number): string {
  let text = statusLine(status) + date + headers.text;
  if (isLast) {
    if (!headers.has("connection")) text += "connection: close\r\n";
  } else if (minor === 0) text += "connection: keep-alive\r\n";
  if (typeof body !== "string") {
    if (minor === 1 && !headers.has("content-length")) text += "transfer-encoding: chunked\r\n";
  } else if (!isBodyless(status)) text += `content-length: ${body.length}\r\n`;
  return `${text}\r\n`;
}

/**
 * An error of a request without a known dialect. Clients of both protocols find its message: the fields of the other protocol are
 * unknown to them, and do no harm.
 */
export function plainError(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message, param: null, code: null } });
}

/** The whole answer to bytes from which no request could be read; then the connection closes. No body where `isHead`. `headers`: lines with their ends. */
export function refusalOf({ status, message }: Flaw, date: string, isHead: boolean, headers = ""): string {
  const body = plainError("invalid_request_error", message);
  return `${statusLine(status)}${date}${headers}content-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${isHead ? "" : body}`;
}

/** The answer to a client that speaks plain HTTP to a TLS port. No other answer is possible there. */
export function plainRefusal(date: string): string {
  return refusalOf({ status: 400, message: "TLS is spoken on this port: the address must begin with https." }, date, false);
}

export const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
