/** Answers as bytes, good and bad, for the exam of the HTTP clients and for the parser alone. */

/** Good ones; the third member is the body, the fourth whether the connection may be used again. */
export const GOOD: readonly (readonly [name: string, answer: string, body: string, persistent: boolean])[] = [
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: \t a b \t\r\n\r\nhello", "hello", true],
  ["a length of 0", "HTTP/1.1 200 OK\r\nContent-Length: 000\r\n\r\n", "", true],
  ["no reason phrase", "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", "ok", true],
  ["until close", "HTTP/1.1 200 OK\r\n\r\nto the\r\n\r\nend", "to the\r\n\r\nend", false],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok", false],
  ["HTTP/1.0 kept", "HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 2\r\n\r\nok", "ok", true],
  ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n00B\r\nbcdefghijkl\r\n0\r\n\r\n", "abcdefghijkl", true],
  [
    "extensions and trailer",
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a="b;c"; d\r\nok\r\n0;last\r\nx: y\r\nz: \r\n\r\n',
    "ok",
    true,
  ],
  [
    "interim answers",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "ok",
    true,
  ],
  ["204", "HTTP/1.1 204 None\r\nx: \xe9\r\n\r\n", "", true],
  ["close", "HTTP/1.1 200 OK\r\nconnection: foo, CLOSE\r\ncontent-length: 2\r\n\r\nok", "ok", false],
  ["odd but allowed names", "HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~: 1\r\ncontent-length: 2\r\n\r\nok", "ok", true],
  ["values that are empty", "HTTP/1.1 200 \r\nx:\r\ny: \r\ncontent-length:2\r\n\r\nok", "ok", true],
];

/** Answers that break the protocol, each followed by more than enough bytes and the end of the connection. */
export const MALFORMED: readonly (readonly [name: string, answer: string])[] = [
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a status out of range", "HTTP/1.1 600 Odd\r\ncontent-length: 0\r\n\r\n"],
  ["lines that end with LF alone", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok"],
  ["a bare CR in a value", "HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 2\r\n\r\nok"],
  ["a zero byte in a value", "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok"],
  ["a folded line", "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok"],
  ["a blank before the colon", "HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok"],
  ["a header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 2\r\n\r\nok"],
  ["a header without a name", "HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 2\r\n\r\nok"],
  ["two lengths that differ", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!"],
  ["two lengths in one header", "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok!"],
  ["a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok"],
  ["a length in hexadecimal", "HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok"],
  ["a length beside chunks", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
  ["an unknown transfer-encoding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
  ["a chunk size that is no number", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"],
  ["an empty chunk size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n"],
  ["a chunk size beyond all bounds", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n"],
  ["a chunk longer than its size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n"],
  ["a chunk that ends with LF alone", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n"],
  ["a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
  ["a header longer than any", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(20_000)}\r\ncontent-length: 2\r\n\r\nok`],
  ["headers without end", `HTTP/1.1 200 OK\r\n${"x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(4000)}`],
  ["too many headers", `HTTP/1.1 200 OK\r\n${"x: a\r\n".repeat(300)}content-length: 2\r\n\r\nok`],
  ["a trailer without a header", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nnonsense\r\n\r\n"],
  ["an endless chunk extension", `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;${"a".repeat(9000)}\r\nok\r\n0\r\n\r\n`],
];

/** Answers cut short by the end of the connection. */
export const CUT: readonly (readonly [name: string, answer: string])[] = [
  ["in the status line", "HTTP/1.1 20"],
  ["in the headers", "HTTP/1.1 200 OK\r\ncontent-le"],
  ["before a body with a length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"],
  ["in a body with a length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"],
  ["in a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel"],
  ["before the last chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"],
  ["in the trailer", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"],
  ["after an interim answer", "HTTP/1.1 100 Continue\r\n\r\n"],
];

/** A generator with a fixed seed (mulberry32), so that a failure can be seen again. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const SPICE = [
  "\r",
  "\n",
  "\r\n",
  "\0",
  " ",
  ":",
  ";",
  ",",
  "0",
  "f",
  "-",
  "\x7f",
  "\xff",
  "content-length: 3\r\n",
  "transfer-encoding: chunked\r\n",
  "\r\n\r\n",
  "HTTP/1.1 100 x\r\n\r\n",
  "5\r\n",
];

/** A good answer with one to three things wrong. */
export function mutated(next: (below: number) => number): string {
  let text = GOOD[next(GOOD.length)]?.[1] ?? "";
  for (let times = 1 + next(3); times > 0; times--) {
    const at = next(text.length + 1);
    const kind = next(4);
    if (kind === 0) text = text.slice(0, at) + String.fromCharCode(next(256)) + text.slice(at + 1);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + next(4));
    else if (kind === 2) text = text.slice(0, at) + (SPICE[next(SPICE.length)] ?? "") + text.slice(at);
    else text = text.slice(0, at) + text.slice(next(text.length + 1));
  }
  return text;
}
