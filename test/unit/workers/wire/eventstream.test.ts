import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { EventStreamCodec, Int64, type MessageHeaders, type MessageHeaderValue } from "@smithy/eventstream-codec";
import { FrameDecoder, type HeaderValue, readHeaders } from "../../../../workers/wire/eventstream.ts";
import { random } from "./http-answers.ts";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"),
  (characters) => new Uint8Array(Buffer.from(characters, "utf8")),
);
const encode = (headers: MessageHeaders, body: string | Uint8Array) => Buffer.from(codec.encode({ headers, body: Buffer.from(body) }));

/** Two frames as Bedrock sends them, made and read by two other codecs. */
const CHUNK = Buffer.from(
  "000000900000004b552a60610b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f696257567a6332466e5a56397a64473977496e303d222c2270223a226162227dc07c0b72",
  "hex",
);
const THROTTLING = Buffer.from(
  "00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473227de67f8005",
  "hex",
);
const EVERY_TYPE: MessageHeaders = {
  yes: { type: "boolean", value: true },
  no: { type: "boolean", value: false },
  byte: { type: "byte", value: -128 },
  short: { type: "short", value: -32_768 },
  integer: { type: "integer", value: -2_147_483_648 },
  long: { type: "long", value: Int64.fromNumber(-9_007_199_254_740_991) },
  bytes: { type: "binary", value: Uint8Array.of(0, 255, 1) },
  "nothing in it": { type: "binary", value: new Uint8Array(0) },
  string: { type: "string", value: "Grüße 你好" },
  empty: { type: "string", value: "" },
  moment: { type: "timestamp", value: new Date("2026-11-22T05:00:00.123Z") },
  uuid: { type: "uuid", value: "00010203-0405-0607-0809-0a0b0c0d0eff" },
};
const FRAMES = [
  CHUNK,
  THROTTLING,
  encode(EVERY_TYPE, "all types"),
  encode(EVERY_TYPE, ""),
  encode({}, ""),
  encode({}, "no headers"),
  encode({ ":message-type": { type: "string", value: "event" } }, Buffer.alloc(700, "\0\xff\n")),
  CHUNK,
];
const STREAM = Buffer.concat(FRAMES);

interface Frame {
  headers: Record<string, HeaderValue> | undefined;
  payload: string;
}

function decode(pieces: readonly Uint8Array[]): { frames: Frame[]; decoder: FrameDecoder } {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder((bytes, headersAt, payloadAt, payloadEnd) => {
    const headers = readHeaders(bytes, headersAt, payloadAt);
    for (const [name, value] of headers ?? []) if (value instanceof Uint8Array) headers?.set(name, Uint8Array.from(value));
    frames.push({ headers: headers && Object.fromEntries(headers), payload: bytes.toString("latin1", payloadAt, payloadEnd) });
    return true;
  });
  for (const piece of pieces) decoder.push(piece);
  return { frames, decoder };
}

function plain({ value }: MessageHeaderValue): HeaderValue {
  return value instanceof Int64 ? Buffer.from(value.bytes).readBigInt64BE() : value instanceof Uint8Array ? Uint8Array.from(value) : value;
}

function asAwsReads(frame: Buffer): Frame {
  const { headers, body } = codec.decode(frame);
  const read = Object.entries(headers).map(([name, value]) => [name, plain(value)] as const);
  return { headers: Object.fromEntries(read), payload: Buffer.from(body).toString("latin1") };
}

const EXPECTED = FRAMES.map(asAwsReads);

/** The same frame with these lengths, and checksums that are right again where asked. */
function withLengths(frame: Buffer, total: number, headers: number, sealed: boolean): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt32BE(total, 0);
  copy.writeUInt32BE(headers, 4);
  copy.writeUInt32BE(crc32(copy.subarray(0, 8)), 8);
  if (sealed) copy.writeUInt32BE(crc32(copy.subarray(0, -4)), copy.length - 4);
  return copy;
}

describe("frames that AWS's codec has written", () => {
  test("are read as AWS's codec reads them, whole and one byte at a time", () => {
    expect(decode([STREAM]).frames).toEqual(EXPECTED);
    const bytes = decode(Array.from(STREAM, (_, at) => STREAM.subarray(at, at + 1)));
    expect(bytes.frames).toEqual(EXPECTED);
    expect([bytes.decoder.error, bytes.decoder.inFrame]).toEqual([undefined, false]);
  });

  test("are read alike wherever the stream is cut in two, and only a cut inside a frame leaves one open", () => {
    const ends = new Set<number>([0]);
    for (const index of FRAMES.keys()) ends.add(Buffer.concat(FRAMES.slice(0, index + 1)).length);
    for (let cut = 0; cut <= STREAM.length; cut++) {
      expect(decode([STREAM.subarray(0, cut), STREAM.subarray(cut)]).frames).toEqual(EXPECTED);
      const { decoder } = decode([STREAM.subarray(0, cut)]);
      expect([cut, decoder.inFrame, decoder.error]).toEqual([cut, !ends.has(cut), undefined]);
    }
  });

  test("are read alike wherever two of them are cut in three", () => {
    const two = Buffer.concat([encode({}, "ab"), CHUNK.subarray(0, 144)]);
    const expected = decode([two]).frames;
    expect(expected).toHaveLength(2);
    for (let first = 0; first <= two.length; first++)
      for (let second = first; second <= two.length; second++) {
        const { frames } = decode([two.subarray(0, first), two.subarray(first, second), two.subarray(second)]);
        if (frames.length !== 2 || frames[1]?.payload !== expected[1]?.payload) throw new Error(`cut at ${first} and ${second}`);
      }
  });

  test("may be as large as 4 MiB", () => {
    const large = encode({ ":message-type": { type: "string", value: "event" } }, Buffer.alloc(4 * 1024 * 1024 - 64, "x"));
    const pieces: Buffer[] = [];
    for (let at = 0; at < large.length; at += 65_537) pieces.push(large.subarray(at, at + 65_537));
    expect(decode(pieces).frames.map(({ payload }) => payload.length)).toEqual([4 * 1024 * 1024 - 64]);
  });

  test("after a listener has had enough, none is reported", () => {
    let seen = 0;
    const decoder = new FrameDecoder(() => ++seen < 2);
    decoder.push(STREAM);
    decoder.push(STREAM);
    expect(seen).toBe(2);
  });
});

describe("frames that are wrong", () => {
  test("any byte changed to any other is noticed, and nothing is read after it", () => {
    for (let at = 0; at < CHUNK.length; at++)
      for (let change = 1; change < 256; change++) {
        const wrong = Buffer.from(CHUNK);
        wrong[at] = (wrong[at] ?? 0) ^ change;
        for (const pieces of [
          [wrong, CHUNK],
          [wrong.subarray(0, 7), wrong.subarray(7), CHUNK, CHUNK],
        ]) {
          const { frames, decoder } = decode(pieces);
          if (frames.length > 0 || decoder.error === undefined) throw new Error(`byte ${at} ^ ${change}`);
        }
      }
  });

  test.each([0, 1, 11, 12, 15, 16, 80, 90, 143, 145, 200, 288])(
    "a length of %d with a good checksum of its own gives no frame",
    (total) => {
      const wrong = withLengths(CHUNK, total, 75, false);
      expect(decode([wrong, CHUNK]).frames).toEqual([]);
      expect(decode(Array.from(wrong, (byte) => Uint8Array.of(byte))).frames).toEqual([]);
    },
  );

  test.each([
    [4 * 1024 * 1024 + 1, 75, "a frame of 4194305 bytes"],
    [0xffffffff, 75, "a frame of 4294967295 bytes"],
    [1_000_000, 128 * 1024 + 1, "131073 bytes of headers"],
    [100, 85, "85 bytes of headers in a frame of 100"],
    [16, 0xffffffff, "4294967295 bytes of headers"],
  ])("a frame that says %d bytes, %d of them headers, is refused by its first 12 bytes", (total, headers, error) => {
    const prelude = withLengths(CHUNK, total, headers, false).subarray(0, 12);
    for (const pieces of [[prelude], [prelude.subarray(0, 5), prelude.subarray(5)]]) {
      const { decoder } = decode(pieces);
      expect(decoder.error).toContain(error);
    }
    // A length refused once must not be taken up again by what comes next.
    expect(decode([prelude.subarray(0, 5), prelude.subarray(5), CHUNK]).frames).toEqual([]);
  });

  test("headers that do not add up are no headers, and none is read beyond their end", () => {
    const frame = encode(EVERY_TYPE, "payload");
    const size = frame.readUInt32BE(4);
    for (let length = 0; length < size; length++) {
      const { frames } = decode([withLengths(frame, frame.length, length, true)]);
      const names = Object.keys(frames[0]?.headers ?? {});
      expect(names).toEqual(Object.keys(EVERY_TYPE).slice(0, names.length));
    }
    expect(readHeaders(Buffer.from([1, 0x61, 10]), 0, 3)).toBeUndefined();
    const next = random(7);
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(Array.from({ length: next(24) }, () => (next(3) === 0 ? next(12) : next(256))));
      readHeaders(bytes, 0, bytes.length);
    }
  });
});
