/** How a request goes over the wire: in how many packets, with what length, in which encoding, and what the client does then. */
import { deflateSync, gzipSync } from "node:zlib";
import type { Dice } from "./dice.ts";
import type { Fields } from "./heads.ts";

const CRLF = "\r\n";

export interface Framed {
  /** The fields for the length and the encoding. */
  fields: Fields;
  /** What follows the head. */
  body: Buffer;
  isSound: boolean;
  /** All of the request is there. */
  isComplete: boolean;
  /** Another request follows it, and the end of the first is beyond doubt: both may be answered. */
  isFollowed?: boolean;
}

/** Another request behind the end of a body, for a reader that counts the length in another way. It must never be answered. */
const SMUGGLED = Buffer.from(`GET /healthz HTTP/1.1${CRLF}Host: weir.test${CRLF}${CRLF}`);

const whole = (body: Buffer, fields: Fields = []): Framed => ({
  fields: [...fields, ["content-length", String(body.length)]],
  body,
  isSound: true,
  isComplete: true,
});

export function framed(body: Buffer | undefined, dice: Dice): Framed {
  if (body === undefined && dice.chance(0.9)) return { fields: [], body: Buffer.alloc(0), isSound: true, isComplete: true };
  const bytes = body ?? Buffer.from("{}");
  const kind = dice.below(100);
  if (kind < 60) return whole(bytes);
  if (kind < 70) {
    // Good HTTP, which servers may still refuse.
    const [extension, trailer] = [dice.chance(0.1) ? ';a="b"' : "", dice.chance(0.1) ? `x-trailer: 1${CRLF}` : ""];
    const fields: Fields = [["transfer-encoding", dice.pick(["chunked", "Chunked", "CHUNKED"])]];
    return { fields, body: chunked(bytes, dice, extension, trailer), isSound: extension + trailer === "", isComplete: true };
  }
  if (kind < 80) return encoded(bytes, dice);
  if (kind < 86) return { ...whole(bytes), body: bytes.subarray(0, dice.below(bytes.length + 1)), isComplete: false };
  if (kind < 92) return badlyChunked(bytes, dice);
  return ambiguous(bytes, dice);
}

function chunked(bytes: Buffer, dice: Dice, extension = "", trailer = ""): Buffer {
  const parts: Buffer[] = [];
  const most = dice.pick([1_000_000, 1_000, 7]);
  for (let at = 0; at < bytes.length; ) {
    // A large body does not become thousands of chunks.
    const piece = bytes.subarray(at, at + Math.max(dice.between(1, most), bytes.length >> 8));
    at += piece.length;
    const size = dice.chance(0.1) ? piece.length.toString(16).toUpperCase().padStart(6, "0") : piece.length.toString(16);
    parts.push(Buffer.from(`${size}${extension}${CRLF}`), piece, Buffer.from(CRLF));
  }
  return Buffer.concat([...parts, Buffer.from(`0${CRLF}${trailer}${CRLF}`)]);
}

/** What a compressed body may be: right, cut, something else, or far larger than it looks. */
function encoded(bytes: Buffer, dice: Dice): Framed {
  switch (dice.below(8)) {
    case 0:
      return whole(gzipSync(bytes), [["content-encoding", "gzip"]]);
    case 1:
      return whole(deflateSync(bytes), [["content-encoding", "deflate"]]);
    case 2: {
      const packed = gzipSync(bytes);
      return whole(packed.subarray(0, dice.below(packed.length)), [["content-encoding", "gzip"]]);
    }
    case 3:
      return whole(gzipSync(Buffer.alloc(dice.pick([1, 8]) * 2 ** 20, 0x20)), [["content-encoding", "gzip"]]);
    case 4:
      return whole(gzipSync(gzipSync(bytes)), [["content-encoding", dice.pick(["gzip, gzip", "gzip"])]]);
    case 5: {
      const packed = gzipSync(bytes);
      packed[dice.below(packed.length)] = dice.below(256);
      return whole(packed, [["content-encoding", "GZIP"]]);
    }
    default:
      return whole(bytes, [
        ["content-encoding", dice.pick(["gzip", "deflate", "br", "zstd", "identity", "compress", "x", "", "identity, identity"])],
      ]);
  }
}

/** Chunks that are malformed. */
function badlyChunked(bytes: Buffer, dice: Dice): Framed {
  const size = bytes.length.toString(16);
  const text = dice.pick([
    `${size}${CRLF}`,
    `-1${CRLF}`,
    `zz${CRLF}`,
    `0x5${CRLF}`,
    `${"f".repeat(40)}${CRLF}`,
    ` ${size}${CRLF}`,
    `${size}\n`,
    `${size};${"x".repeat(20_000)}${CRLF}`,
    CRLF,
    `+5${CRLF}`,
    `${size}\r`,
  ]);
  const end = dice.pick([
    `${CRLF}0${CRLF}${CRLF}`,
    `xx0${CRLF}${CRLF}`,
    CRLF,
    "",
    `${CRLF}0${CRLF}`,
    `${CRLF}0${CRLF}bad trailer${CRLF}${CRLF}`,
  ]);
  const fields: Fields = [["transfer-encoding", "chunked"]];
  return { fields, body: Buffer.concat([Buffer.from(text), bytes, Buffer.from(end)]), isSound: false, isComplete: false };
}

/** Two lengths, or one that is not a length: each server between client and gateway might find another end. `SMUGGLED` is behind it. */
function ambiguous(bytes: Buffer, dice: Dice): Framed {
  const length = String(bytes.length);
  const short = String(Math.max(0, bytes.length - 5));
  const hex = `0x${bytes.length.toString(16)}`;
  const lengths = dice.pick<string[]>([
    [],
    [length, short],
    [`${length}, ${short}`],
    [`+${length}`],
    [`-${length}`],
    [hex],
    [`${length}.0`],
    ["18446744073709551616"],
    ["9".repeat(400)],
    [""],
    ["abc"],
    // The end is not in doubt, or the request is to be refused; it must never be taken for two.
    [length],
    [length, length],
    [`${length},${length}`],
    [`0${length}`],
  ]);
  const encodings = dice.pick<string[]>([
    [],
    ["chunked"],
    ["chunked", "chunked"],
    ["chunked, identity"],
    ["identity"],
    ["gzip, chunked"],
    ["xchunked"],
    ["chunked\u000b"],
    ["chunked", "identity"],
  ]);
  const name = dice.pick(["transfer-encoding", "Transfer-Encoding", "transfer-encoding ", "transfer_encoding"]);
  const isRead = name.toLowerCase() === "transfer-encoding" && encodings.length > 0;
  const isWithout = encodings.length === 0 || name === "transfer_encoding";
  const isChunked = encodings.length === 1 && encodings[0] === "chunked" && dice.chance(0.7);
  const isPlain = lengths.every((value) => value.split(",").every((each) => Number(each) === bytes.length && /^\d+$/.test(each)));
  return {
    fields: [
      ...lengths.map((value): [string, string] => ["content-length", value]),
      ...encodings.map((value): [string, string] => [name, value]),
    ],
    body: Buffer.concat([isChunked ? chunked(bytes, dice) : bytes, SMUGGLED]),
    isSound: false,
    isComplete: false,
    // With two lengths by two rules (chunks and a number) the end is in doubt, whatever they say.
    // A request without either has no body: what comes then is the next request, whatever a name with an underscore says.
    isFollowed: isRead ? isChunked && lengths.length === 0 : isPlain && (lengths.length > 0 ? !isChunked : isWithout),
  };
}

/** Cuts bytes into packets. */
export function packets(bytes: Buffer, dice: Dice): Buffer[] {
  const kind = dice.below(10);
  if (kind < 6) return [bytes];
  if (kind === 6) {
    const head = bytes.indexOf("\r\n\r\n") + 4;
    return [bytes.subarray(0, head), bytes.subarray(head)].filter((piece) => piece.length > 0);
  }
  const cuts = Array.from({ length: dice.pick([1, 2, 5]) }, () => dice.below(bytes.length + 1)).sort((one, other) => one - other);
  return [0, ...cuts].map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length)).filter((piece) => piece.length > 0);
}
