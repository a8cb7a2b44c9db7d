/** Bodies that cost their reader more than their sender. */
export const MODEL = "claude-sonnet-4-5";
const MIB = 1024 * 1024;
const BEGIN = `{"model":"${MODEL}","max_tokens":5,"messages":[{"role":"user","content":"`;
const END = '"}]}';

export function message(content: string, more: object = {}): string {
  return JSON.stringify({ model: MODEL, max_tokens: 50, messages: [{ role: "user", content }], ...more });
}

/** A message whose text is `text`, which is already JSON. */
function written(text: string): string {
  return `${BEGIN}${text}${END}`;
}

/** A message with one more member, whose value is already JSON. */
function besides(value: string): string {
  return `${BEGIN}a"}],"more":${value}}`;
}

/** Bodies of about `bytes`. They have fewer pieces than the gateway's bound, since otherwise they would be refused for that alone. */
export function bodiesOf(bytes: number): Record<string, () => string | Uint8Array> {
  const pieces = Math.min(490_000, Math.floor(bytes / 2) - 200);
  const times = (text: string) => text.repeat(Math.floor((bytes - 200) / text.length));
  const names = Math.min(240_000, Math.floor(bytes / 12));
  const room = Math.floor(bytes / names) - 12;
  return {
    text: () => written(times("word ")),
    quotes: () => written(times('\\"')),
    escapes: () => written(times("\\u4f60")),
    backslashes: () => written(times("\\\\")),
    latin: () => Buffer.from(written("é".repeat(bytes / 2 - 200))),
    numbers: () => besides(`[${"1,".repeat(pieces - 10)}1]`),
    digits: () => besides(times("9")),
    deep: () => besides("[".repeat(pieces) + "]".repeat(pieces)),
    "deep-objects": () => besides(`${'{"a":'.repeat(Math.floor(pieces / 4))}1${"}".repeat(Math.floor(pieces / 4))}`),
    names: () => besides(`{${Array.from({ length: names }, (_, nth) => `"k${nth}${"z".repeat(Math.max(0, room))}":0`).join(",")}}`),
    messages: () =>
      JSON.stringify({
        model: MODEL,
        max_tokens: 5,
        messages: Array.from({ length: Math.min(90_000, Math.floor(bytes / 60)) }, () => ({
          role: "user",
          content: "a".repeat(Math.max(1, Math.floor(bytes / 90_000) - 40)),
        })),
      }),
    objects: () => `{"model":"${MODEL}","max_tokens":5,"messages":[${"{},".repeat(Math.floor(bytes / 3) - 100)}{}]}`,
    space: () => `${BEGIN}a"}]${" ".repeat(bytes - 200)}}`,
    unclosed: () => written(times("word ")).slice(0, -1),
    picture: () =>
      message("", {
        messages: [
          { role: "user", content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: times("iVBORw0KGgo") } }] },
        ],
      }),
    tools: () =>
      message("a", {
        tools: Array.from({ length: Math.min(60_000, Math.floor(bytes / 120)) }, (_, nth) => ({
          name: `t${nth}`,
          input_schema: {},
          description: "z".repeat(60),
        })),
      }),
  };
}

/** Nearly the largest that `server.max_body` allows by default. */
export const HUGE = bodiesOf(31 * MIB);
/** Just too small to be checked in a separate thread. */
export const LARGE = bodiesOf(MIB - 1024);
/** Larger than what the front checks itself. */
export const MODERATE = bodiesOf(120 * 1024);
/** Nearly the largest that the front checks itself. */
export const SMALL = bodiesOf(60 * 1024);
