/** Prices of pictures, documents and sound, from their first bytes or from their size. They are base64 inside the body, and never decoded whole. */

/** How a model bills pictures. `gpt.ts` and `claude.ts` have the figures, with their sources. */
export type PictureRule =
  /** Squares of `side` pixels, after shrinking to `maxEdge` and to `maxPatches`. */
  | { by: "patches"; side: number; maxEdge: number; maxPatches: number; factor: number }
  /** OpenAI's 512-pixel tiles: fit into 2048², shortest side to 768. */
  | { by: "tiles"; base: number; tile: number };

export interface Size {
  width: number;
  height: number;
}

/**
 * The bytes from `from` to `from + count` of base64 text, without decoding the text before them; fewer at the end. Line breaks in the text shift the
 * bytes, and then no size is found.
 */
function window(base64: string, from: number, count: number): Uint8Array {
  const first = Math.floor(from / 3) * 4;
  const skip = from % 3;
  const text = base64.slice(first, first + Math.ceil((count + skip) / 3) * 4);
  return Buffer.from(text, "base64").subarray(skip, skip + count);
}

const at16 = (bytes: Uint8Array, i: number) => ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
const at16Little = (bytes: Uint8Array, i: number) => ((bytes[i + 1] ?? 0) << 8) | (bytes[i] ?? 0);
const at24Little = (bytes: Uint8Array, i: number) => ((bytes[i + 2] ?? 0) << 16) | at16Little(bytes, i);
const word = (bytes: Uint8Array, i: number) => String.fromCharCode(...bytes.subarray(i, i + 4));

/** A JPEG has its size after comments, colour profiles and thumbnails. So this goes from segment to segment, and reads ten bytes of each. */
function jpegSize(base64: string): Size | undefined {
  let offset = 2;
  for (let hops = 0; hops < 64; hops++) {
    const segment = window(base64, offset, 10);
    if (segment.length < 10 || segment[0] !== 0xff) return undefined;
    const marker = segment[1] ?? 0;
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) return { width: at16(segment, 7), height: at16(segment, 5) };
    offset += marker === 0xff ? 1 : 2 + at16(segment, 2);
  }
  return undefined;
}

function webpSize(head: Uint8Array): Size | undefined {
  if (word(head, 12) === "VP8X") return { width: at24Little(head, 24) + 1, height: at24Little(head, 27) + 1 };
  if (word(head, 12) === "VP8 ") return { width: at16Little(head, 26) & 0x3fff, height: at16Little(head, 28) & 0x3fff };
  if (word(head, 12) !== "VP8L") return undefined;
  const packed = (at16Little(head, 21) | (at16Little(head, 23) << 16)) >>> 0;
  return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
}

/** Width and height in pixels from the head of a PNG, JPEG, GIF or WebP; undefined where the head has no readable size. */
export function pictureSize(base64: string): Size | undefined {
  const head = window(base64, 0, 30);
  let size: Size | undefined;
  if (word(head, 1) === "PNG\r")
    size = { width: at16(head, 16) * 0x10000 + at16(head, 18), height: at16(head, 20) * 0x10000 + at16(head, 22) };
  else if (word(head, 0) === "GIF8" && head.length >= 10) size = { width: at16Little(head, 6), height: at16Little(head, 8) };
  else if (word(head, 0) === "RIFF" && word(head, 8) === "WEBP" && head.length === 30) size = webpSize(head);
  else if (head[0] === 0xff && head[1] === 0xd8) size = jpegSize(base64);
  return size !== undefined && size.width > 0 && size.height > 0 ? size : undefined;
}

/**
 * Tokens of one picture.
 * @param size - undefined for a picture that is not at hand (a URL) or not readable: then the most that the rule can give
 * @param low - OpenAI's `detail: low`
 */
export function pictureTokens(rule: PictureRule, size: Size | undefined, low = false): number {
  if (rule.by === "tiles") {
    if (low) return rule.base;
    if (size === undefined) return rule.base + rule.tile * 8;
    const fit = Math.min(1, 2048 / Math.max(size.width, size.height));
    const shrink = Math.min(1, 768 / (Math.min(size.width, size.height) * fit)) * fit;
    const across = (pixels: number) => Math.max(1, Math.ceil(Math.round(pixels * shrink) / 512));
    return rule.base + rule.tile * across(size.width) * across(size.height);
  }
  if (size === undefined) return Math.ceil(rule.maxPatches * rule.factor);
  const shrink = Math.min(1, rule.maxEdge / Math.max(size.width, size.height));
  const across = (pixels: number, scale: number) => Math.max(1, Math.ceil((pixels * scale) / rule.side));
  let columns = across(size.width, shrink);
  let rows = across(size.height, shrink);
  // Too many patches: fewer columns, and rows by the picture's shape, until they fit. A thin strip ends at one column.
  while (columns * rows > rule.maxPatches && columns > 1) {
    columns--;
    rows = across(size.height, (columns * rule.side) / size.width);
  }
  return Math.ceil(Math.min(rule.maxPatches, columns * rows) * rule.factor);
}

const PAGE_BYTES = 40_000;
const PAGE_TOKENS = 2000;
const MOST_PAGES = 100;

/**
 * Tokens of a PDF, by its size alone: 40 kB count as a page, and a page as 2,000 tokens. At least one page, and at most a hundred, as many as Anthropic
 * takes. Anthropic names 1,500 to 3,000 tokens for the text of a page and as many for its picture. Pages of scans are large and few, pages of text
 * small and many.
 */
export function documentTokens(base64Length: number): number {
  return Math.max(1, Math.min(MOST_PAGES, Math.round((base64Length * 0.75) / PAGE_BYTES))) * PAGE_TOKENS;
}

/** A PDF that is not at hand (a URL, a file id): ten pages. */
export const REMOTE_DOCUMENT_TOKENS = 10 * PAGE_TOKENS;

/** Ten tokens for each second of sound: `wav` as 24 kHz, 16 bit, one channel; anything else as 128 kbit/s. */
export function soundTokens(base64Length: number, format: string): number {
  return Math.ceil(((base64Length * 0.75) / (format === "wav" ? 48_000 : 16_000)) * 10);
}
