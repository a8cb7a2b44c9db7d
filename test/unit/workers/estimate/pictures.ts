/** Picture files with real heads and no picture after them, as base64. */
import { Buffer } from "node:buffer";

function base64(head: readonly number[], padding = 40): string {
  return Buffer.concat([Buffer.from(head), Buffer.alloc(padding, 0x5a)]).toString("base64");
}

const big32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const big16 = (n: number) => [(n >> 8) & 255, n & 255];
const little = (n: number, bytes: number) => Array.from({ length: bytes }, (_, i) => (n >>> (8 * i)) & 255);
const ascii = (text: string) => [...Buffer.from(text)];

export function png(width: number, height: number, padding = 40): string {
  return base64(
    [0x89, ...ascii("PNG\r\n"), 0x1a, 0x0a, ...big32(13), ...ascii("IHDR"), ...big32(width), ...big32(height), 8, 6, 0, 0, 0],
    padding,
  );
}

export function gif(width: number, height: number): string {
  return base64([...ascii("GIF89a"), ...little(width, 2), ...little(height, 2)]);
}

/** `before` bytes of application data are between the start and the frame, as in files of cameras. */
export function jpeg(width: number, height: number, before: number, marker = 0xc0): string {
  const data = before > 0 ? [0xff, 0xe1, ...big16(before + 2), ...new Array<number>(before).fill(0xaa)] : [];
  return base64([
    0xff,
    0xd8,
    0xff,
    0xe0,
    ...big16(16),
    ...new Array<number>(14).fill(0),
    ...data,
    0xff,
    marker,
    ...big16(17),
    8,
    ...big16(height),
    ...big16(width),
    3,
  ]);
}

export function webp(width: number, height: number, kind: "VP8 " | "VP8L" | "VP8X"): string {
  const head = [...ascii("RIFF"), ...little(100, 4), ...ascii("WEBP"), ...ascii(kind), ...little(80, 4)];
  if (kind === "VP8X") return base64([...head, 0, 0, 0, 0, ...little(width - 1, 3), ...little(height - 1, 3)]);
  if (kind === "VP8L") return base64([...head, 0x2f, ...little((width - 1) | ((height - 1) << 14), 4)]);
  return base64([...head, 0, 0, 0, 0x9d, 0x01, 0x2a, ...little(width, 2), ...little(height, 2)]);
}
