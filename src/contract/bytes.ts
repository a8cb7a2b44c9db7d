/**
 * Byte text: a string that holds one byte per character (Latin-1), so `length` is a number of bytes and nothing on the way can re-encode it.
 *
 * Bodies and chunks travel through Weir in this form. On both runtimes a string crosses threads at less cost than a byte array. A Latin-1 string takes one
 * byte per character in memory. A UTF-8 sequence that the network has cut in two needs no care. What the client or the upstream wrote leaves byte for byte as
 * it came. JSON's own characters are ASCII, so `JSON.parse` reads byte text as it is; only a string that a person will read (a name in a message) has to be
 * decoded first.
 */
export type ByteText = string;

/** The same bytes as a `Buffer`. A `Buffer` is returned as it is, since a second object over the bytes costs as much as copying a small piece. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes to byte text; copies once. */
export function toByteText(bytes: Uint8Array): ByteText {
  return asBuffer(bytes).toString("latin1");
}

/** Byte text to the bytes that go on the wire. */
export function toBytes(text: ByteText): Uint8Array<ArrayBuffer> {
  return Buffer.from(text, "latin1");
}

/** Byte text to the characters a person reads (UTF-8; malformed sequences become U+FFFD). */
export function decodeUtf8(text: ByteText): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

/** Characters to byte text (UTF-8), for what Weir itself writes into a body. */
export function encodeUtf8(characters: string): ByteText {
  return Buffer.from(characters, "utf8").toString("latin1");
}

/** A copy of a text that was cut from a longer one. An engine may keep the whole longer text in memory for as long as it keeps a part of it. */
export function copied(text: ByteText): ByteText {
  return toByteText(toBytes(text));
}

/** The value of a hexadecimal digit in ASCII; -1 for any other character. */
export function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
