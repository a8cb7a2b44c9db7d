import { pipeline, Readable } from "node:stream";
import { createGunzip, createInflate } from "node:zlib";
import { sizeText } from "../contract/decimal.ts";
import { GatewayError } from "../contract/errors.ts";

const NOBODY = (): void => {};

/** Bytes of a body that comes as it is and says its length, within the limit; 0 of any other. */
export function declaredBytes({ headers }: Request, limit: number): number {
  const declared = Number(headers.get("content-length") ?? 0);
  return declared > 0 && declared <= limit && headers.get("content-encoding") === null ? declared : 0;
}

/**
 * Reads a request's body, up to `limit` bytes after decompression.
 * @param onBytes - Told of each piece, before it is kept, of a body that `declaredBytes` says nothing of; what it throws ends the reading.
 * @throws GatewayError what `onBytes` throws, `too_large`, `cancelled` for a body that breaks off, or `invalid_request` for an encoding that Weir does not know and for data that does not decompress.
 */
export function readBody(request: Request, limit: number, onBytes: (bytes: number) => void = NOBODY): Promise<ArrayBuffer> {
  const { headers } = request;
  const declared = Number(headers.get("content-length") ?? Number.NaN);
  // The runtime gathers a plain body of known length by itself.
  if (declared <= limit && headers.get("content-encoding") === null) return request.arrayBuffer().catch(brokenOff);
  return declared > limit ? Promise.reject(tooLarge(limit)) : readUnusual(request, limit, onBytes);
}

/** A body whose length is not known, or that is encoded. */
async function readUnusual(request: Request, limit: number, onBytes: (bytes: number) => void): Promise<ArrayBuffer> {
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (request.body === null) return new ArrayBuffer(0);
  if (encoding === "identity") return await gather(request.body, limit, onBytes).catch(brokenOff);
  if (encoding !== "gzip" && encoding !== "deflate") {
    throw new GatewayError("invalid_request", {
      message: `The content-encoding "${encoding.slice(0, 32)}" is not supported: send the body as it is, or with gzip or deflate.`,
    });
  }
  try {
    return await gather(inflated(request.body, encoding), limit, onBytes, ownTurn);
  } catch (thrown) {
    if (thrown instanceof GatewayError) throw thrown;
    throw new GatewayError("invalid_request", { message: `The body is not valid ${encoding} data.` });
  }
}

/** A body can only fail to arrive because its client has gone; Deno tells so here before the request's signal does. */
function brokenOff(thrown: unknown): never {
  if (thrown instanceof GatewayError) throw thrown;
  throw new GatewayError("cancelled", { message: "The request broke off before its body was complete." });
}

/** How much of an inflated body is taken in one turn of the thread. */
const TURN_BYTES = 256 * 1024;

/** Not by the web's own stream: on one runtime that inflates all that a packet holds at once, a thousand times its size, and on the other on this thread. */
function inflated(body: ReadableStream<Uint8Array>, encoding: "gzip" | "deflate"): AsyncIterable<Uint8Array> {
  const unpacker = encoding === "gzip" ? createGunzip({ chunkSize: TURN_BYTES / 4 }) : createInflate({ chunkSize: TURN_BYTES / 4 });
  // What goes wrong is thrown where it is read.
  pipeline(Readable.fromWeb(body as never), unpacker, () => {});
  return unpacker;
}

let line: Promise<unknown> = Promise.resolve();

/** A turn that no other inflated body has: however many come at a time, the thread's other work waits for one piece of one of them. */
function ownTurn(): Promise<unknown> {
  line = line.then(() => new Promise((resolve) => setImmediate(resolve)));
  return line;
}

/** @param turn - Waited for after each `TURN_BYTES`. */
async function gather(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  onBytes: (bytes: number) => void,
  turn?: () => Promise<unknown>,
): Promise<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  let sinceTurn = 0;
  for await (const chunk of stream) {
    total += chunk.byteLength;
    // Leaving the loop cancels the stream: nothing more is read.
    if (total > limit) throw tooLarge(limit);
    onBytes(chunk.byteLength);
    chunks.push(chunk);
    sinceTurn += chunk.byteLength;
    if (turn === undefined || sinceTurn < TURN_BYTES) continue;
    sinceTurn = 0;
    await turn();
  }
  const whole = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole.buffer;
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError("too_large", {
    message: `The request body is larger than the ${sizeText(limit)} that are allowed.`,
  });
}
