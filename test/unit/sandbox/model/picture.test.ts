/** The size of a picture is read from its header. Every file here ends after the header. */

import { afterAll, describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../../../src/sandbox/json.ts";
import { readPicture } from "../../../../src/sandbox/model/picture.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { STAND_INS, type StandInName, standInOf } from "../stand-ins.ts";

const sandbox = await startSandbox();
afterAll(() => sandbox.close());

/** Each file has the size 640 × 480. */
const be = (value: number) => [value >> 8, value & 255];
const le = (value: number) => [value & 255, value >> 8];
const ascii = (text: string) => [...Buffer.from(text, "latin1")];
const PICTURES: Record<string, [mediaType: string, bytes: number[]]> = {
  PNG: ["image/png", [0x89, ...ascii("PNG\r\n\x1a\n"), 0, 0, 0, 13, ...ascii("IHDR"), 0, 0, ...be(640), 0, 0, ...be(480)]],
  GIF: ["image/gif", [...ascii("GIF89a"), ...le(640), ...le(480)]],
  "JPEG with an EXIF segment": ["image/jpeg", [0xff, 0xd8, 0xff, 0xe1, 0, 6, 1, 2, 3, 4, 0xff, 0xc0, 0, 17, 8, ...be(480), ...be(640), 3]],
  "progressive JPEG after a Huffman table": [
    "image/jpeg",
    [0xff, 0xd8, 0xff, 0xc4, 0, 3, 0, 0xff, 0xc2, 0, 17, 8, ...be(480), ...be(640), 3],
  ],
  "JPEG with fill bytes before a marker": ["image/jpeg", [0xff, 0xd8, 0xff, 0xff, 0xff, 0xc0, 0, 17, 8, ...be(480), ...be(640), 3]],
  "WebP, lossy": ["image/webp", [...ascii("RIFF"), 0, 0, 0, 0, ...ascii("WEBPVP8 "), ...Array(10).fill(0), ...le(640), ...le(480)]],
  "WebP, lossless": [
    "image/webp",
    [
      ...ascii("RIFF"),
      0,
      0,
      0,
      0,
      ...ascii("WEBPVP8L"),
      0,
      0,
      0,
      0,
      0x2f,
      ...le((639 | (479 << 14)) & 0xffff),
      ...le((639 | (479 << 14)) >>> 16),
      ...Array(5).fill(0),
    ],
  ],
  "WebP, extended": ["image/webp", [...ascii("RIFF"), 0, 0, 0, 0, ...ascii("WEBPVP8X"), ...Array(8).fill(0), ...le(639), 0, ...le(479), 0]],
};

function withPicture(standIn: StandInName, mediaType: string, data: string): JsonObject {
  const part =
    standIn === "bedrock"
      ? { type: "image", source: { type: "base64", media_type: mediaType, data } }
      : { type: "image_url", image_url: { url: `data:${mediaType};base64,${data}` } };
  return { messages: [{ role: "user", content: [{ type: "text", text: "What is it?" }, part] }] };
}

describe.each([...STAND_INS])("%s", (standIn) => {
  for (const [kind, [mediaType, bytes]] of Object.entries(PICTURES)) {
    test(`the size of a picture, by its header: ${kind}`, async () => {
      const { text } = await standInOf(sandbox, standIn).ask("", withPicture(standIn, mediaType, Buffer.from(bytes).toString("base64")));
      expect(text).toContain(`I see a picture of 640×480 (${mediaType}).`);
    });
  }
});

test("a file that ends within its header, or has another format, is no picture", () => {
  for (const [, bytes] of Object.values(PICTURES)) {
    for (let length = 0; length < bytes.length - 4; length++) {
      const found = readPicture(Buffer.from(bytes.slice(0, length)).toString("base64"));
      if (found !== undefined) expect(found).toMatchObject({ width: 640, height: 480 });
    }
  }
  for (const text of ["", "%PDF-1.7 and a good deal more of it than a header", "RIFF0000WAVEVP8 0123456789012345"]) {
    expect(readPicture(Buffer.from(text).toString("base64"))).toBeUndefined();
  }
});

test("pictures are accepted with base64 of any length, with and without padding", async () => {
  const [, png] = PICTURES.PNG ?? ["", []];
  for (const more of [0, 1, 2, 3, 1_000, 1_001, 5_000]) {
    const data = Buffer.from([...png, ...Array(more).fill(0)]).toString("base64");
    expect((await standInOf(sandbox, "bedrock").ask("", withPicture("bedrock", "image/png", data))).status).toBe(200);
  }
});

test("azure: a picture that is given by its URL is not fetched", async () => {
  const part = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  const { text } = await standInOf(sandbox, "azure").ask("", { messages: [{ role: "user", content: [part] }] });
  expect(text).toContain("I was given a picture that I cannot open.");
});
