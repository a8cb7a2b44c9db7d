/** What an answer is written of besides its own words. */
import { STATUS_CODES } from "node:http";

const lines = new Map<number, string>();

export function statusLine(status: number): string {
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

export const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
export const LAST_CHUNK = "0\r\n\r\n";
