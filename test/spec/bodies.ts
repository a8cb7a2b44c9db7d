/** How a body may come, and how large. */
import { describe, expect } from "bun:test";
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { anthropic, DIALECTS, type Spoken } from "./dialects.ts";
import { expectFailure, KEY, MARKER, MAX_BODY, type World } from "./world.ts";

/** Above this a worker checks the body, not the front. */
const LARGE = 100 * 1024;
const HEADERS = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };

/** The head of a small picture, and bytes that are not looked at. */
function picture(length: number) {
  const data = `${"iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6B"}${"A".repeat(length)}`;
  return { type: "image", source: { type: "base64", media_type: "image/png", data } };
}

export function specifyBodies(world: World): void {
  for (const dialect of DIALECTS) describe(dialect.name, () => specifyDialect(world, dialect));
}

function specifyDialect(world: World, dialect: Spoken): void {
  const send = (body: string | Uint8Array, headers: Record<string, string> = {}, chunked = false) =>
    world.call({ path: dialect.path, headers: { ...HEADERS, ...headers }, body, chunked }).answered;
  const bodyOf = (length: number, more: Record<string, unknown> = {}) =>
    JSON.stringify(dialect.body(`${MARKER} [sandbox: text] ${"weir ".repeat(length / 5)}`, more));

  world.sentence("a body may come in chunks, without a length", async () => {
    const answered = await send(bodyOf(200_000), {}, true);
    expect(answered.status).toBe(200);
    expect(answered.whole).toBe(true);
  });

  world.sentence("a body may be compressed, small or large", async () => {
    for (const length of [100, 200_000]) {
      const body = bodyOf(length);
      for (const [encoding, bytes] of [
        ["gzip", gzipSync(body)],
        ["GZIP", gzipSync(body)],
        ["deflate", deflateSync(body)],
        ["br", brotliCompressSync(body)],
        ["zstd", zstdCompressSync(body)],
      ] as const) {
        expect([encoding, length, (await send(bytes, { "content-encoding": encoding })).status]).toEqual([encoding, length, 200]);
      }
    }
  });

  world.sentence("an encoding that Weir does not know, and one that is not what it says, are a 400 that says so", async () => {
    const unknown = expectFailure(dialect, await send("x", { "content-encoding": "compress, br" }), "invalid");
    expect(unknown.message).toMatch(/content-encoding.*gzip/);
    for (const [encoding, compress] of [
      ["gzip", gzipSync],
      ["br", brotliCompressSync],
      ["zstd", zstdCompressSync],
    ] as const) {
      const odd = Buffer.from("not compressed at all");
      expect(expectFailure(dialect, await send(odd, { "content-encoding": encoding }), "invalid").message).toContain(encoding);
      // Where the decoder takes half a body for a whole one, it is no JSON.
      expectFailure(dialect, await send(compress(bodyOf(100)).subarray(0, 60), { "content-encoding": encoding }), "invalid");
    }
    // A frame that wants 128 MiB for itself, whatever it holds.
    const raw = Buffer.from(bodyOf(100));
    const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0, 0, 0]);
    head.writeUIntLE((raw.length << 3) | 1, 6, 3);
    const greedy = Buffer.concat([head, raw]);
    expectFailure(dialect, await send(greedy, { "content-encoding": "zstd" }), "invalid");
  });

  world.sentence("more than the limit is a 413, however it comes: declared, in chunks, or inflating past it", async () => {
    const large = bodyOf(MAX_BODY + 10_000);
    expect(expectFailure(dialect, await send(large), "too_large").message).toContain("6 MiB");
    expectFailure(dialect, await send(large, {}, true), "too_large");
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 0x20));
    expect(bomb.length).toBeLessThan(MAX_BODY / 10);
    expectFailure(dialect, await send(bomb, { "content-encoding": "gzip" }), "too_large");
    for (const [encoding, bytes] of [
      ["br", brotliCompressSync(Buffer.alloc(200 * 1024 * 1024, 0x20), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
      ["zstd", zstdCompressSync(Buffer.alloc(200 * 1024 * 1024, 0x20))],
    ] as const)
      expectFailure(dialect, await send(bytes, { "content-encoding": encoding }), "too_large");
  });

  world.sentence("a body of five megabytes is taken, streaming and not", async () => {
    for (const stream of [false, true]) {
      // As a picture, where so much text is more than the model's window.
      const body =
        dialect === anthropic
          ? bodyOf(10, { stream, messages: [{ role: "user", content: [picture(5_000_000)] }] })
          : bodyOf(5_000_000, { stream });
      const answered = await send(body);
      expect(answered.status).toBe(200);
      expect(world.sandbox.calls.recent.at(-1)?.bodyBytes).toBeGreaterThan(5_000_000);
      if (stream) expect(dialect.isComplete(answered.text)).toBe(true);
    }
  });

  world.sentence("mistakes in a large body are answered as those in a small one", async () => {
    for (const length of [10, LARGE]) {
      const { message } = expectFailure(dialect, await send(bodyOf(length, { temperature: "warm" })), "invalid");
      expect(message).toMatch(/^temperature: must be a number/);
      expect(expectFailure(dialect, await send(bodyOf(length).slice(0, -1)), "invalid").message).toMatch(/ends in the middle/);
      expect(expectFailure(dialect, await send(bodyOf(length, { model: "nobody" })), "not_found_model").message).toContain("nobody");
    }
  });
}
