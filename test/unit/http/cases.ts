/**
 * What clients send, and what a server may make of it: raw bytes in, verdict out. Each request is followed by another one, which closes the connection. A server that
 * finds the end of the first request in the wrong place reads another second request, and that is how requests are smuggled.
 */

import { MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES } from "../../../src/http/head.ts";
import { MAX_EXTENSION_BYTES } from "../../../src/http/message.ts";

export interface Case {
  name: string;
  /** Byte text. */
  sent: string;
  /** Each answer as `200 METHOD target "body"` or a bare status, in order; then the connection closes. */
  verdict: readonly string[];
}

const HOST = "Host: gw\r\n";
export const LAST = `GET /last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const LAST_SEEN = '200 GET /last ""';

function good(name: string, request: string, seen: string | string[]): Case {
  const answers = typeof seen === "string" ? [seen] : seen;
  return { name, sent: request + LAST, verdict: [...answers, LAST_SEEN] };
}

/** The connection ends with the answer, so that the next request is not served. */
function final(name: string, request: string, seen: string | string[]): Case {
  return { name, sent: request + LAST, verdict: typeof seen === "string" ? [seen] : seen };
}

function bad(name: string, status: number, request: string): Case {
  return final(name, request, String(status));
}

const post = (headers: string, body: string) => `POST /x HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const get = (headers: string) => `GET /x HTTP/1.1\r\n${HOST}${headers}\r\n`;
const chunked = (body: string) => post("Transfer-Encoding: chunked\r\n", body);
const target = (text: string, host = HOST) => `GET ${text} HTTP/1.1\r\n${host}\r\n`;

const FRAMING: Case[] = [
  good("no body", get(""), '200 GET /x ""'),
  good("a length of nothing", post("Content-Length: 0\r\n", ""), '200 POST /x ""'),
  good("a body of known length", post("Content-Length: 5\r\n", "hello"), '200 POST /x "hello"'),
  good("a length with zeros before it", post("Content-Length: 0005\r\n", "hello"), '200 POST /x "hello"'),
  good("a post without a length has no body", post("", ""), '200 POST /x ""'),
  good("a body of a GET", `GET /x HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`, '200 GET /x "hello"'),
  good("bytes above 127 in a body", post("Content-Length: 3\r\n", "\xff\x00\r"), '200 POST /x "\xff\\u0000\\r"'),
  good("chunks", chunked("3\r\none\r\n5;why=not\r\nthree\r\n0\r\n\r\n"), '200 POST /x "onethree"'),
  good("no chunk but the last", chunked("0\r\n\r\n"), '200 POST /x ""'),
  good("a last chunk of many zeros", chunked("3\r\none\r\n00000\r\n\r\n"), '200 POST /x "one"'),
  good("a size in capitals", chunked("A\r\n0123456789\r\n0\r\n\r\n"), '200 POST /x "0123456789"'),
  good("a chunk that looks like the end", chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), '200 POST /x "0\\r\\n\\r\\n"'),
  good("a trailer", chunked("3\r\none\r\n0\r\nx-sum: 1\r\nContent-Length: 99\r\n\r\n"), '200 POST /x "one"'),
  good("the encoding's name in capitals", post("Transfer-Encoding: CHUNKED\r\n", "3\r\none\r\n0\r\n\r\n"), '200 POST /x "one"'),
  bad("two lengths", 400, post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")),
  bad("the same length twice", 400, post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
  bad("a list of lengths", 400, post("Content-Length: 5, 5\r\n", "hello")),
  bad("a length with a sign", 400, post("Content-Length: +5\r\n", "hello")),
  bad("a length below nothing", 400, post("Content-Length: -5\r\n", "hello")),
  bad("a length with a point", 400, post("Content-Length: 5.0\r\n", "hello")),
  bad("a length in hexadecimal", 400, post("Content-Length: 0x5\r\n", "hello")),
  bad("a length that is empty", 400, post("Content-Length:\r\n", "hello")),
  bad("a length with a blank in it", 400, post("Content-Length: 5 5\r\n", "hello")),
  bad("a length beyond all numbers", 400, post("Content-Length: 99999999999999999999\r\n", "hello")),
  bad("a length in other digits", 400, post("Content-Length: \xb2\r\n", "hello")),
  bad("a length beside chunks", 400, post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
  bad("chunks beside a length", 400, post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")),
  bad("chunks twice", 400, post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
  bad("chunks twice in one line", 400, post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
  bad("an encoding that does not exist", 400, post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
  bad("the encoding that means none", 400, post("Transfer-Encoding: identity\r\n", "")),
  bad("an encoding behind chunks", 400, post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
  bad("an encoding before chunks", 501, post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")),
  bad("an encoding with a parameter", 400, post("Transfer-Encoding: chunked;x\r\n", "0\r\n\r\n")),
  bad("an encoding in quotes", 400, post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n")),
  bad("an encoding that is empty", 400, post("Transfer-Encoding:\r\n", "0\r\n\r\n")),
  bad("an encoding behind a vertical tab", 400, post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n")),
  bad("an encoding with a blank before the colon", 400, post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
  bad("an encoding on a folded line", 400, post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")),
  bad("an encoding of HTTP/1.0", 400, `POST /x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n`),
  bad("a chunk without a size", 400, chunked("\r\none\r\n0\r\n\r\n")),
  bad("a chunk's size with a sign", 400, chunked("+3\r\none\r\n0\r\n\r\n")),
  bad("a chunk's size below nothing", 400, chunked("-3\r\none\r\n0\r\n\r\n")),
  bad("a chunk's size with 0x", 400, chunked("0x3\r\none\r\n0\r\n\r\n")),
  bad("a chunk's size behind a blank", 400, chunked(" 3\r\none\r\n0\r\n\r\n")),
  bad("a chunk's size before a blank", 400, chunked("3 \r\none\r\n0\r\n\r\n")),
  bad("a chunk's size of all numbers", 400, chunked("ffffffffffffffffff\r\none\r\n0\r\n\r\n")),
  bad("a chunk's size ended by LF", 400, chunked("3\none\r\n0\r\n\r\n")),
  bad("a chunk ended by LF", 400, chunked("3\r\none\n0\r\n\r\n")),
  bad("a chunk longer than its size", 400, chunked("2\r\none\r\n0\r\n\r\n")),
  bad("a chunk shorter than its size", 400, chunked("4\r\none\r\n0\r\n\r\n")),
  bad("an extension with LF", 400, chunked("3;x\none\r\n0\r\n\r\n")),
  bad("an extension with CR", 400, chunked("3;x\ry\r\none\r\n0\r\n\r\n")),
  bad("an extension with NUL", 400, chunked("3;\0\r\none\r\n0\r\n\r\n")),
  bad("an extension beyond all measure", 400, chunked(`3;${"x".repeat(MAX_EXTENSION_BYTES + 1)}\r\none\r\n0\r\n\r\n`)),
  bad("extensions beyond all measure", 400, chunked(`${`1;${"x".repeat(999)}\r\na\r\n`.repeat(20)}0\r\n\r\n`)),
  bad("a trailer ended by LF", 400, chunked("0\r\nx: 1\n\r\n")),
  bad("a trailer without a name", 400, chunked("0\r\nnothing\r\n\r\n")),
  bad("a trailer beyond all measure", 400, chunked(`0\r\nx: ${"x".repeat(MAX_HEAD_BYTES)}\r\n\r\n`)),
  bad("a trailer of many lines", 400, chunked(`0\r\n${"x: 1\r\n".repeat(MAX_HEADERS + 1)}\r\n`)),
];

const HEADS: Case[] = [
  good("empty lines before a request", `\r\n\r\n${get("")}`, '200 GET /x ""'),
  good("values with blanks around them", get("X:   y \t \r\n"), '200 GET /x ""'),
  good("a header without a value", get("X:\r\n"), '200 GET /x ""'),
  good("bytes above 127 in a value", get("X: \xfc\r\n"), '200 GET /x ""'),
  good("every mark that a name may have", get("!#$%&'*+-.^_`|~0Az: x\r\n"), '200 GET /x ""'),
  good("as many headers as there may be", get("x: y\r\n".repeat(MAX_HEADERS - 1)), '200 GET /x ""'),
  good("a method that does not exist", `BREW /x HTTP/1.1\r\n${HOST}\r\n`, '200 BREW /x ""'),
  good(
    "an upgrade is not taken up",
    get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
    '200 GET /x ""',
  ),
  good("a WebSocket is not taken up", get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"), '200 GET /x ""'),
  bad("a header more than there may be", 431, get("x: y\r\n".repeat(MAX_HEADERS))),
  bad("a head that is too long", 431, get(`x: ${"y".repeat(MAX_HEAD_BYTES)}\r\n`)),
  bad("a head of many headers that is too long", 431, get(`x: ${"y".repeat(400)}\r\n`.repeat(60))),
  bad("a blank before a header's colon", 400, get("X : y\r\n")),
  bad("a tab before a header's colon", 400, get("X\t: y\r\n")),
  bad("a blank in a header's name", 400, get("X Y: z\r\n")),
  bad("a header without a name", 400, get(": y\r\n")),
  bad("a header without a colon", 400, get("nothing\r\n")),
  bad("a folded line", 400, get("X: y\r\n z\r\n")),
  bad("a folded line right after the first", 400, `GET /x HTTP/1.1\r\n X: y\r\n${HOST}\r\n`),
  bad("lines that end with LF", 400, `GET /x HTTP/1.1\nHost: gw\n\n`),
  bad("one line that ends with LF", 400, get("X: y\n")),
  bad("a request within a header, behind LF", 400, get("X: y\nContent-Length: 5\r\n")),
  bad("a lone CR in a value", 400, get("X: y\rz\r\n")),
  bad("two CR at the end of a line", 400, get("X: y\r\r\n")),
  bad("NUL in a value", 400, get("X: \0\r\n")),
  bad("NUL in a name", 400, get("X\0: y\r\n")),
  bad("DEL in a value", 400, get("X: \x7f\r\n")),
  bad("escape in a value", 400, get("X: \x1b\r\n")),
  bad("bytes above 127 in a name", 400, get("\xfc: y\r\n")),
  bad("quotes in a name", 400, get('"x": y\r\n')),
  bad("an expectation that cannot be met", 417, get("Expect: the best\r\n")),
];

const LINES: Case[] = [
  good("a query", target("/x?a=b&c=%20"), '200 GET /x?a=b&c=%20 ""'),
  good("marks that should be encoded", target('/x?a={"b"}|c^`'), '200 GET /x?a={"b"}|c^` ""'),
  good("an address as a proxy gets it", target("http://gw/x?y"), '200 GET /x?y ""'),
  good("an address as a proxy gets it, without a path", target("HTTP://gw?y"), '200 GET /?y ""'),
  good(
    "as long an address as there may be",
    target(`/${"x".repeat(MAX_TARGET_BYTES - 1)}`),
    `200 GET /${"x".repeat(MAX_TARGET_BYTES - 1)} ""`,
  ),
  bad("an address that is too long", 414, target(`/${"x".repeat(MAX_TARGET_BYTES)}`)),
  bad("an address without an end", 414, `GET /${"x".repeat(MAX_HEAD_BYTES)}`),
  bad("no address", 400, `GET HTTP/1.1\r\n${HOST}\r\n`),
  bad("an empty address", 400, `GET  HTTP/1.1\r\n${HOST}\r\n`),
  bad("two blanks before an address", 400, target(" /x")),
  bad("a tab for a blank", 400, `GET\t/x\tHTTP/1.1\r\n${HOST}\r\n`),
  bad("a blank in an address", 400, target("/x y")),
  bad("a tab in an address", 400, target("/x\ty")),
  bad("a fragment", 400, target("/x#y")),
  bad("bytes above 127 in an address", 400, target("/\xc3\xbc")),
  bad("NUL in an address", 400, target("/x\0")),
  bad("an address that is a name", 400, target("gw:443")),
  bad("a tunnel", 400, `CONNECT gw:443 HTTP/1.1\r\n${HOST}\r\n`),
  bad("a question to the server as a whole", 400, `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`),
  bad("another scheme", 400, target("ftp://gw/x")),
  bad("a method in quotes", 400, `"GET" /x HTTP/1.1\r\n${HOST}\r\n`),
  bad("a method without an end", 400, `${"G".repeat(100)} /x HTTP/1.1\r\n${HOST}\r\n`),
  bad("a blank before the method", 400, ` GET /x HTTP/1.1\r\n${HOST}\r\n`),
  bad("no version", 400, `GET /x\r\n${HOST}\r\n`),
  bad("a version in small letters", 400, `GET /x http/1.1\r\n${HOST}\r\n`),
  bad("a version with a blank behind it", 400, `GET /x HTTP/1.1 \r\n${HOST}\r\n`),
  bad("a version that does not exist", 505, `GET /x HTTP/1.2\r\n${HOST}\r\n`),
  bad("a version of another kind", 400, `GET /x HTTP/1.10\r\n${HOST}\r\n`),
  bad("another protocol", 400, `GET /x RTSP/1.0\r\n${HOST}\r\n`),
  bad("HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  bad("TLS", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
];

const HOSTS: Case[] = [
  good("a host with a port", `GET /x HTTP/1.1\r\nHost: gw:8080\r\n\r\n`, '200 GET /x ""'),
  good("an address of IPv6", `GET /x HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n`, '200 GET /x ""'),
  bad("no host", 400, "GET /x HTTP/1.1\r\n\r\n"),
  bad("two hosts", 400, get("Host: other\r\n")),
  bad("the same host twice", 400, get("Host: gw\r\n")),
  bad("an empty host", 400, target("/x", "Host:\r\n")),
  bad("a list of hosts", 400, target("/x", "Host: gw, other\r\n")),
  bad("a host with a path", 400, target("/x", "Host: gw/x\r\n")),
  bad("a host with a user", 400, target("/x", "Host: root@gw\r\n")),
  bad("a host that differs from the address", 400, target("http://other/x")),
  bad("an address without a host", 400, target("http:///x")),
  bad("no host, of HTTP/1.0", 400, "GET /x HTTP/1.0\r\n\r\n"),
];

const ENDS: Case[] = [
  final("a client that closes", get("Connection: close\r\n"), '200 GET /x ""'),
  final("a client that closes, among other words", get("Connection: foo, CLOSE ,bar\r\n"), '200 GET /x ""'),
  final("a client that closes, in a second line", get("Connection: foo\r\nConnection: close\r\n"), '200 GET /x ""'),
  final("HTTP/1.0", `GET /x HTTP/1.0\r\n${HOST}\r\n`, '200 GET /x ""'),
  good("HTTP/1.0 that goes on", `GET /x HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`, '200 GET /x ""'),
  good("two at once", get("") + post("Content-Length: 5\r\n", "hello"), ['200 GET /x ""', '200 POST /x "hello"']),
  good(
    "ten at once",
    get("").repeat(10),
    Array.from({ length: 10 }, () => '200 GET /x ""'),
  ),
  good("chunks, and the next at once", chunked("3\r\none\r\n0\r\n\r\n") + get(""), ['200 POST /x "one"', '200 GET /x ""']),
  good("only the head is asked for", `HEAD /x HTTP/1.1\r\n${HOST}\r\n`, "200 HEAD"),
  good(
    "a word is waited for, and the body sent all the same",
    post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
    '200 POST /x "hello"',
  ),
  good("a request within a body is a body", post(`Content-Length: ${LAST.length}\r\n`, LAST), `200 POST /x ${JSON.stringify(LAST)}`),
];

export const CASES: readonly Case[] = [...FRAMING, ...HEADS, ...LINES, ...HOSTS, ...ENDS];
