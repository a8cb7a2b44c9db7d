import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { EventStreamCodec, Int64 } from "@smithy/eventstream-codec";
import { FrameDecoder, readHeaders } from "../../workers/wire/eventstream.ts";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString("utf8"),
  (text) => Buffer.from(text, "utf8"),
);

/** `wire.md` §1.7 */
const MESSAGE_STOP =
  "000000900000004b552a60610b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b226279746573223a2265794a306558426c496a6f696257567a6332466e5a56397a64473977496e303d222c2270223a226162227dc07c0b72";
const THROTTLED =
  "00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473227de67f8005";

const EVERY_TYPE = Buffer.from(
  codec.encode({
    headers: {
      yes: { type: "boolean", value: true },
      no: { type: "boolean", value: false },
      byte: { type: "byte", value: -5 },
      short: { type: "short", value: -300 },
      integer: { type: "integer", value: -70_000 },
      long: { type: "long", value: Int64.fromNumber(-5_000_000_000) },
      binary: { type: "binary", value: Uint8Array.from([0, 255, 7]) },
      string: { type: "string", value: "Grüße" },
      time: { type: "timestamp", value: new Date(1_729_000_000_123) },
      uuid: { type: "uuid", value: "01234567-89ab-cdef-0123-456789abcdef" },
    },
    body: Buffer.from("payload"),
  }),
);
const BARE = Buffer.from(codec.encode({ headers: {}, body: new Uint8Array() }));
const LARGE = Buffer.from(codec.encode({ headers: { a: { type: "string", value: "b" } }, body: Buffer.alloc(5_000, 7) }));
const FRAMES = [Buffer.from(MESSAGE_STOP, "hex"), EVERY_TYPE, BARE, Buffer.from(THROTTLED, "hex"), LARGE];
const RECORDED = Buffer.concat(FRAMES);

function decode(...chunks: Uint8Array[]) {
  const seen: string[] = [];
  const decoder = new FrameDecoder((bytes, headersAt, payloadAt, payloadEnd) => {
    seen.push(`${bytes.toString("hex", headersAt, payloadAt)}|${bytes.toString("hex", payloadAt, payloadEnd)}`);
    return true;
  });
  for (const chunk of chunks) decoder.push(chunk);
  return { seen, error: decoder.error, inFrame: decoder.inFrame };
}

const expected = FRAMES.map((frame) => {
  const headers = frame.readUInt32BE(4);
  return `${frame.toString("hex", 12, 12 + headers)}|${Buffer.from(codec.decode(frame).body).toString("hex")}`;
});

test("frames cut in two anywhere are the frames that AWS's codec reads", () => {
  for (let cut = 0; cut <= RECORDED.length; cut++) {
    const { seen, error, inFrame } = decode(RECORDED.subarray(0, cut), RECORDED.subarray(cut));
    if (error !== undefined || inFrame) throw new Error(`cut at ${cut}: ${error}`);
    expect(seen).toEqual(expected);
  }
});

test("frames that come one byte at a time are the same frames", () => {
  expect(decode(...Array.from(RECORDED, (byte) => Uint8Array.of(byte)))).toEqual({ seen: expected, error: undefined, inFrame: false });
});

test("headers of every type are read as AWS's codec reads them", () => {
  const headers = readHeaders(EVERY_TYPE, 12, 12 + EVERY_TYPE.readUInt32BE(4));
  const theirs = codec.decode(EVERY_TYPE).headers;
  expect([...(headers?.keys() ?? [])]).toEqual(Object.keys(theirs));
  for (const [name, header] of Object.entries(theirs)) {
    const ours = headers?.get(name);
    const value = header.value;
    if (value instanceof Int64) expect(ours).toBe(BigInt(value.valueOf()));
    else if (value instanceof Uint8Array) expect(Buffer.from(ours as Uint8Array).toString("hex")).toBe(Buffer.from(value).toString("hex"));
    else expect(ours).toEqual(value);
  }
});

test("headers cut short anywhere are refused, or end between two", () => {
  const end = 12 + EVERY_TYPE.readUInt32BE(4);
  const whole = [...(readHeaders(EVERY_TYPE, 12, end) ?? [])].map(([name]) => name);
  for (let to = 12; to < end; to++) {
    const headers = readHeaders(EVERY_TYPE, 12, to);
    if (headers !== undefined) expect([...headers.keys()]).toEqual(whole.slice(0, headers.size));
  }
  expect(readHeaders(Buffer.from([1, 97, 10]), 0, 3)).toBeUndefined();
});

test("a flipped bit in any byte of a frame is refused", () => {
  for (const frame of [EVERY_TYPE, ...FRAMES.slice(0, 1)]) {
    for (let at = 0; at < frame.length; at++) {
      const corrupted = Buffer.from(frame);
      corrupted.writeUInt8(corrupted.readUInt8(at) ^ 0x20, at);
      const { seen, error } = decode(corrupted);
      if (error === undefined) throw new Error(`byte ${at} was let through`);
      expect(seen).toEqual([]);
    }
  }
});

test("what is no event stream is refused at its first bytes, and nothing is read after it", () => {
  const { seen, error } = decode(Buffer.from('{"message":"not a stream"}'), RECORDED);
  expect(seen).toEqual([]);
  expect(error).toContain("checksum");
});

test("a stream that ends in the middle of a frame is known to", () => {
  for (const cut of [1, 11, 12, 13, 143]) expect(decode(RECORDED.subarray(0, cut)).inFrame).toBe(true);
  expect(decode(RECORDED.subarray(0, 144)).inFrame).toBe(false);
});

test("a listener that has enough is not called again", () => {
  let calls = 0;
  const decoder = new FrameDecoder(() => {
    calls++;
    return false;
  });
  decoder.push(RECORDED);
  decoder.push(RECORDED);
  expect(calls).toBe(1);
});
