/**
 * The most that a request can be estimated or billed at, from its bytes alone: what the front reserves room for before a worker has looked.
 *
 * Byte-pair encoding gives at most one token per byte of text, and JSON only adds bytes to text. A message's frame (3–4 tokens) is shorter than the
 * JSON that makes it. The exception is content that is small in bytes and large in tokens: pictures (a URL of 20 bytes, a one-pixel file),
 * tools (fixed texts that the upstream adds) and documents, files and conversations that lie elsewhere or are billed by the page. They are found by
 * their JSON names; those names can be spelled with escapes (`"\u0069mage"`), so an escaped ASCII letter is treated as if it hid one.
 */
import type { ByteText } from "../contract/bytes.ts";

/** The dearest picture there is: 8 tiles of gpt-4o-mini (2,833 + 8 × 5,667). A Claude picture is at most 4,784. */
export const PICTURE_AT_MOST = 48_169;

/** Frames, the start of the answer. */
const FRAME = 64;
/** System text for tools (at most 804) once, and the dearest of the tools that the upstream writes itself. */
const TOOLS_ONCE = 1000;
const OWN_TOOL_AT_MOST = 800;
/** The frame of a property (13 tokens) is at most twice the JSON that makes it (`"a":{},`, 7 bytes). */
const TOOL_BYTES = 2;

/** Reading more than this for its names costs the front more than a worker's answer does, and a body of this size seldom fits unseen. */
const LONGEST_READ = 256 * 1024;

const NAMES =
  /\\u00[2-7]|"(?:image|image_url|input_image|tools|functions|schema|document|file|input_file|input_audio|file_id|previous_response_id|conversation|prompt|mcp_servers|container)"/g;
const NO_NAMES: readonly string[] = [];
const PICTURES = new Set(['"image"', '"image_url"', '"input_image"']);
const TOOLS = new Set(['"tools"', '"functions"', '"schema"']);
const OWN_TOOLS =
  /_20\d{6}"|"type"\s*:\s*"(?:web_search|file_search|code_interpreter|computer|image_generation|mcp|local_shell|shell|apply_patch)/g;

/**
 * Upper bound of this body's tokens, for every tokenizer and price list; `Infinity` where its bytes do not give one.
 * @param body as the client sent it; escapes and all
 */
export function bound(body: ByteText): number {
  if (body.length > LONGEST_READ) return Number.POSITIVE_INFINITY;
  let pictures = 0;
  let tools = false;
  // Not `matchAll`, which copies the pattern each time; nearly every body has none of the names.
  for (const name of body.match(NAMES) ?? NO_NAMES) {
    if (PICTURES.has(name)) pictures++;
    else if (TOOLS.has(name)) tools = true;
    else return Number.POSITIVE_INFINITY;
  }
  const frame = FRAME + pictures * PICTURE_AT_MOST;
  if (!tools) return body.length + frame;
  const own = body.match(OWN_TOOLS)?.length ?? 0;
  return TOOL_BYTES * body.length + frame + TOOLS_ONCE + own * OWN_TOOL_AT_MOST;
}
