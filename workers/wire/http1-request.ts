/** The bytes of a request's head. Pure. */
import type { HttpRequest, Origin } from "./http.ts";

/** Headers that this module writes itself, or that would change the framing or the connection without its knowledge. */
const OURS: ReadonlySet<string> = new Set([
  "content-length",
  "connection",
  "transfer-encoding",
  "upgrade",
  "expect",
  "te",
  "trailer",
  "keep-alive",
]);

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** Leading and trailing blanks are refused too: a signature over them would not be what the peer sees. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const PATH = /^\/[\x21-\x7e]*$/;

/** `host`, or `host:port` where the port is not the scheme's own; an IPv6 address in brackets. */
export function authority(origin: Origin): string {
  const standard = origin.tls ? 443 : 80;
  return origin.port === standard ? bracketed(origin.host) : hostAndPort(origin.host, origin.port);
}

export function hostAndPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

/** The host as `node:net` wants it: an IPv6 address without brackets. */
export function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Heads that were written before, without their last lines, by their list of headers; each with the origin, method and path that it was written for. */
const written = new WeakMap<readonly string[], Pick<HttpRequest, "origin" | "method" | "path"> & { text: string }>();

/**
 * The head, empty line included. The lines of a frozen list of headers are checked and written once for an origin, method and path: such a list cannot change.
 * @throws Error for text that must not go on the wire (a line break in a value would begin another header, or another request); it names the header, not its value.
 */
export function requestHead(request: HttpRequest): string {
  const { origin, method, path, headers, further, body } = request;
  const known = written.get(headers);
  const isKnown = known?.path === path && known.method === method && known.origin === origin;
  const text = isKnown ? known.text : beginning(request);
  if (!isKnown && Object.isFrozen(headers)) written.set(headers, { origin, method, path, text });
  // A GET without a body says nothing about one; a POST says 0.
  const length = method !== "GET" || body !== "" ? `content-length: ${body.length}\r\n` : "";
  const more = further === undefined ? "" : linesOf(further).lines;
  return `${text}${more}${length}connection: keep-alive\r\n\r\n`;
}

/** Names that were found good: a few dozen. */
const goodNames = new Set<string>();
const MOST_NAMES = 500;

function admitName(name: string): void {
  if (!NAME.test(name)) throw new Error("a request header has a name that is not allowed");
  if (OURS.has(name)) throw new Error(`the request header "${name}" belongs to the HTTP client`);
  if (goodNames.size < MOST_NAMES) goodNames.add(name);
}

function beginning({ origin, method, path, headers }: HttpRequest): string {
  if (!PATH.test(path)) throw new Error("the request path holds a character that is not allowed there");
  const named = linesOf(headers);
  const host = named.host === "" ? authority(origin) : named.host;
  if (!VALUE.test(host)) throw new Error("the upstream's host holds a character that is not allowed");
  return `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n${named.lines}`;
}

/** The lines of headers, and the value of `host`, which goes first. */
function linesOf(headers: readonly string[]): { host: string; lines: string } {
  let host = "";
  let lines = "";
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? "";
    const value = headers[at + 1];
    if (!goodNames.has(name)) admitName(name);
    if (value === undefined || !VALUE.test(value))
      throw new Error(
        `the request header "${name}" has a value that is not allowed (a line break, a control character or a blank at its end?)`,
      );
    if (name === "host") host = value;
    else lines += `${name}: ${value}\r\n`;
  }
  return { host, lines };
}
