/** What an answer is written of besides its own words. */
import { STATUS_CODES } from "node:http";
import type { Flaw } from "../contract/flaw.ts";
import type { Reply } from "../contract/http.ts";

const lines = new Map<number, string>();

function statusLine(status: number): string {
  let line = lines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    lines.set(status, line);
  }
  return line;
}

/** Statuses whose answers have no body, and say no length. */
export function isBodyless(status: number): boolean {
  return status === 204 || status === 304 || status < 200;
}

/** The head of an answer, empty line included. `minor`: 0 or 1, for HTTP/1.0 or HTTP/1.1. */
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
 * An error that belongs to no route: no dialect is known. Clients of either protocol find its message, since the fields that one of them does not know
 * are those of the other.
 */
export function plainError(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message, param: null, code: null } });
}

/** The whole answer to what has no head that anybody could answer; then the connection closes. To HEAD it has no body. `headers` with their lines' ends. */
export function refusalOf({ status, message }: Flaw, date: string, isHead: boolean, headers = ""): string {
  const body = plainError("invalid_request_error", message);
  return `${statusLine(status)}${date}${headers}content-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${isHead ? "" : body}`;
}

/** For a client that speaks HTTP where TLS is spoken; nothing else can be said to it. */
export function plainRefusal(date: string): string {
  return refusalOf({ status: 400, message: "TLS is spoken on this port: the address must begin with https." }, date, false);
}

export const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
