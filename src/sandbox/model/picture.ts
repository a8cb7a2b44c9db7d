/** Reads the format and the size of a picture from its header. */
import { Buffer } from "node:buffer";

/** Width and height are in pixels. */
export interface Picture {
  mediaType: string;
  width: number;
  height: number;
}

/** Enough base64 for each header below. A JPEG may have long metadata before its size. */
const HEAD_CHARACTERS = 256 * 1024;

/** Reads width and height of a base64 PNG, JPEG, GIF or WebP; undefined for any other format. */
export function readPicture(base64: string): Picture | undefined {
  const head = Buffer.from(base64.slice(0, HEAD_CHARACTERS), "base64");
  return png(head) ?? gif(head) ?? webp(head) ?? jpeg(head);
}

function png(head: Buffer): Picture | undefined {
  if (head.length < 24 || head.toString("latin1", 0, 8) !== "\x89PNG\r\n\x1a\n") return undefined;
  return { mediaType: "image/png", width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
}

function gif(head: Buffer): Picture | undefined {
  if (head.length < 10 || head.toString("latin1", 0, 4) !== "GIF8") return undefined;
  return { mediaType: "image/gif", width: head.readUInt16LE(6), height: head.readUInt16LE(8) };
}

function webp(head: Buffer): Picture | undefined {
  if (head.length < 30 || head.toString("latin1", 0, 4) !== "RIFF" || head.toString("latin1", 8, 12) !== "WEBP") return undefined;
  const mediaType = "image/webp";
  switch (head.toString("latin1", 12, 16)) {
    case "VP8 ":
      return { mediaType, width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    case "VP8L": {
      const bits = head.readUInt32LE(21);
      return { mediaType, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
    }
    case "VP8X":
      return { mediaType, width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
    default:
      return undefined;
  }
}

/** Whether this is a start-of-frame marker of JPEG. C4, C8 and CC are in the same range but have other meanings. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function jpeg(head: Buffer): Picture | undefined {
  if (head.length < 4 || head.readUInt16BE(0) !== 0xffd8) return undefined;
  let at = 2;
  while (at + 9 <= head.length) {
    if (head[at] !== 0xff) return undefined;
    const marker = head[at + 1] ?? 0;
    if (isFrame(marker)) return { mediaType: "image/jpeg", width: head.readUInt16BE(at + 7), height: head.readUInt16BE(at + 5) };
    // Any number of fill bytes may come before a marker.
    at += marker === 0xff ? 1 : 2 + head.readUInt16BE(at + 2);
  }
  return undefined;
}
