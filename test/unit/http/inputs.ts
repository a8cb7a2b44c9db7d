/** Requests that are nearly right: those of the exam, put together anew and changed here and there, the same for the same seed. */
import { CASES, LAST } from "./cases.ts";

/** mulberry32: a number from 0 up to, and without, `below`. */
export type Random = (below: number) => number;

export function random(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const BASES = CASES.map(({ sent }) => sent.slice(0, -LAST.length)).filter((text) => text.length < 600);
const PIECES = [
  "\r\n",
  "\r",
  "\n",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "0",
  "1",
  "f",
  "0\r\n\r\n",
  "\r\n\r\n",
  "Content-Length: 3\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "transfer-encoding:chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Host: gw\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "GET ",
  "POST ",
  "HEAD ",
  "/",
  "http://gw",
  "\x0b",
  "\x0c",
  "\x85",
  "\xa0",
  "\xff",
  "chunked",
  LAST,
] as const;

/** One, two or three requests of which some are damaged, and the one that closes. */
export function input(next: Random): string {
  let text = "";
  for (let count = 1 + next(3); count > 0; count--) text += BASES[next(BASES.length)];
  for (let count = next(5); count > 0; count--) {
    const at = next(text.length + 1);
    const piece = PIECES[next(PIECES.length)] ?? "";
    switch (next(5)) {
      case 0:
        text = text.slice(0, at) + text.slice(at + 1 + next(4));
        break;
      case 1:
        text = text.slice(0, at) + String.fromCharCode(next(256)) + text.slice(at + 1);
        break;
      case 2:
        text = text.slice(0, at) + piece + text.slice(at);
        break;
      case 3: {
        // A line once more, or gone.
        const end = text.indexOf("\r\n", at);
        const line = end < 0 ? "" : text.slice(at, end + 2);
        text = next(2) === 0 ? text.slice(0, at) + line + text.slice(at) : text.slice(0, at) + text.slice(at + line.length);
        break;
      }
      default:
        text = text.slice(0, at) + piece + text.slice(at + piece.length);
    }
  }
  return text + LAST;
}
