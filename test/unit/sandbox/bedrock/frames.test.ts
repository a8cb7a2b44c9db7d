/** The codec, compared with frames that were made elsewhere, and with a reader that shares no code with it. */

import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { chunkFrame, corruptFrame, errorFrame, exceptionFrame, FrameCache, paddingOf } from "../../../../src/sandbox/bedrock/frames.ts";
import { eventOf, readFrames } from "./frame-reader.ts";

/** Both frames were made and read with two codecs. */
const MESSAGE_STOP =
  "000000900000004b552a60610b3a6576656e742d747970650700056368756e6b0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070005" +
  "6576656e747b226279746573223a2265794a306558426c496a6f696257567a6332466e5a56397a64473977496e303d222c2270223a226162227dc07c0b72";
const THROTTLED =
  "00000090000000618e91a9b70f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d" +
  "3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e79207265717565737473227de67f8005";

test("the two known frames are made byte for byte", () => {
  expect(Buffer.from(chunkFrame('{"type":"message_stop"}', "ab")).toString("hex")).toBe(MESSAGE_STOP);
  expect(Buffer.from(exceptionFrame("throttlingException", { message: "Too many requests" })).toString("hex")).toBe(THROTTLED);
  expect(Buffer.from(MESSAGE_STOP, "hex")).toHaveLength(144);
  expect(Buffer.from(THROTTLED, "hex")).toHaveLength(144);
});

test("the two known frames are read", () => {
  const { frames, leftBytes } = readFrames(Buffer.from(MESSAGE_STOP + THROTTLED, "hex"));
  expect(leftBytes).toBe(0);
  const [chunk, exception] = frames;
  expect(chunk && eventOf(chunk)).toEqual({ type: "message_stop" });
  expect(chunk && JSON.parse(chunk.payload.toString()).p).toBe("ab");
  expect(exception?.headers).toEqual({
    ":exception-type": "throttlingException",
    ":content-type": "application/json",
    ":message-type": "exception",
  });
  expect(exception?.payload.toString()).toBe('{"message":"Too many requests"}');
});

test("another reader reads what the codec writes, also beyond Latin-1", () => {
  const event = { type: "content_block_delta", delta: { text: '日本 🦦 é\u2028\\"' } };
  const bytes = Buffer.concat([chunkFrame(JSON.stringify(event), paddingOf(5)), errorFrame("InternalError", "é 🦦")]);
  const [chunk, error] = readFrames(bytes).frames;
  expect(chunk && eventOf(chunk)).toEqual(event);
  expect(error?.headers).toEqual({ ":message-type": "error", ":error-code": "InternalError", ":error-message": "é 🦦" });
});

test("a corrupt frame is a copy that differs only in its last checksum", () => {
  const frame = chunkFrame('{"type":"ping"}', "ab");
  const before = Buffer.from(frame).toString("hex");
  const corrupt = Buffer.from(corruptFrame(frame));
  expect(() => readFrames(corrupt)).toThrow("message checksum");
  expect(corrupt.subarray(0, -4).equals(Buffer.from(frame).subarray(0, -4))).toBe(true);
  expect(Buffer.from(frame).toString("hex")).toBe(before);
});

test("frames from the cache are equal to those of the codec", () => {
  const cache = new FrameCache();
  for (const round of [0, 1]) {
    for (let index = 0; index < 200; index++) {
      const event = JSON.stringify({ type: "ping", at: index % 3, round: round === 0 ? 0 : index });
      expect(Buffer.from(cache.chunk(event, index)).equals(Buffer.from(chunkFrame(event, paddingOf(index))))).toBe(true);
    }
  }
});

test("every frame has filler, of different lengths", () => {
  const lengths = new Set(Array.from({ length: 200 }, (_, index) => paddingOf(index).length));
  expect(lengths.size).toBeGreaterThan(30);
  expect(Math.min(...lengths)).toBeGreaterThan(0);
});
