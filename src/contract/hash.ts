/** Characters of a text that its hash looks at from either end: a system prompt may have a hundred thousand. */
const END_LENGTH = 64;

/** A number of 32 bits for a text: from its length and both of its ends. For choosing, not for secrets. FNV-1a, finished as MurmurHash3 does. */
export function hashText(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed ^ text.length) >>> 0;
  const { length } = text;
  const headEnd = Math.min(length, END_LENGTH);
  for (let at = 0; at < headEnd; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  for (let at = Math.max(headEnd, length - END_LENGTH); at < length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** Spreads the bits of a number of 32 bits, so that neighbours end far from each other. Source: MurmurHash3's finaliser. */
export function mixed(hash: number): number {
  let bits = hash;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
