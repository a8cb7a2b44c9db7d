import { asBuffer, toByteText } from "../../contract/bytes.ts";
import { asGatewayError, GatewayError } from "../../contract/errors.ts";
import { type Asked, type Body, type BodyReceiver, type BrokenBody, MOST_TEXT_BYTES } from "../../contract/http.ts";
import { sizeText } from "../../contract/text.ts";

import { type Decompressor, decompressor, ENCODINGS } from "./decompress.ts";

/** Receives the result of reading a body: one of the two functions is called, once, and it may be called before `readBody` returns. */
export interface BodyOwner {
  arrived(body: Body): void;
  failed(error: GatewayError): void;
}

/** The declared length in bytes of an uncompressed body, where it is within the limit; 0 for any other body. */
export function declaredBytes({ headers }: Pick<Asked, "headers">, limit: number): number {
  const declared = Number(headers.get("content-length") ?? 0);
  return declared > 0 && declared <= limit && headers.get("content-encoding") === null ? declared : 0;
}

/**
 * Reads the body of a request, up to `limit` bytes after decompression. It fails with the error that `onBytes` throws; or with `too_large`; `cancelled` where the
 * body breaks off; `body_timeout` where no more bytes come; `invalid_request` where the body is malformed, its encoding is unknown or its data cannot be
 * decompressed.
 * @param onBytes - Called with the length of each piece, before the piece is kept, of a body for which `declaredBytes` is 0. An exception of it ends the reading.
 */
export function readBody(asked: Asked, limit: number, onBytes: (bytes: number) => void, owner: BodyOwner): void {
  const { headers } = asked;
  const declared = Number(headers.get("content-length") ?? Number.NaN);
  if (declared > limit) {
    owner.failed(tooLarge(limit));
    return;
  }
  const encoding = headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") {
    readEncoded(asked, encoding, limit, onBytes, owner);
    return;
  }
  const isDeclared = declaredBytes(asked, limit) > 0;
  const whole = isDeclared || headers.get("transfer-encoding") === null ? asked.takeBody() : undefined;
  if (whole !== undefined) owner.arrived(whole);
  else asked.read(new Gathered(limit, isDeclared ? declared : 0, isDeclared ? () => {} : onBytes, owner));
}

/** Collects a body piece by piece. */
class Gathered implements BodyReceiver {
  readonly #limit: number;
  readonly #onBytes: (bytes: number) => void;
  readonly #owner: BodyOwner;
  /** The declared length; 0 where it is not known. */
  readonly #declared: number;
  /** Memory for the whole body, made with the first piece, for a declared body that is too long for a text. */
  #whole: Uint8Array<ArrayBuffer> | undefined;
  readonly #pieces: Buffer[] = [];
  #length = 0;
  #isOver = false;

  constructor(limit: number, declared: number, onBytes: (bytes: number) => void, owner: BodyOwner) {
    this.#limit = limit;
    this.#declared = declared;
    this.#onBytes = onBytes;
    this.#owner = owner;
  }

  piece(bytes: Uint8Array): boolean {
    if (this.#isOver) return false;
    const before = this.#length;
    this.#length += bytes.length;
    try {
      if (this.#length > this.#limit) throw tooLarge(this.#limit);
      this.#onBytes(bytes.length);
    } catch (thrown) {
      this.fail(asGatewayError(thrown));
      return false;
    }
    if (this.#declared > MOST_TEXT_BYTES) {
      this.#whole ??= roomFor(this.#declared);
      this.#whole.set(bytes, before);
    } else this.#pieces.push(Buffer.from(bytes));
    return true;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.arrived(this.#whole ?? this.#joined());
  }

  broken({ reason, text }: BrokenBody): void {
    this.fail(new GatewayError(KINDS[reason], { message: text }));
  }

  fail(error: GatewayError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pieces.length = 0;
    this.#whole = undefined;
    this.#owner.failed(error);
  }

  #joined(): Body {
    if (this.#length <= MOST_TEXT_BYTES) return this.#pieces.map(toByteText).join("");
    const whole = roomFor(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

/** New memory that is not cleared, because to clear 32 MiB takes milliseconds. Every byte of it is written before it is read. */
function roomFor(length: number): Uint8Array<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(length);
}

/** The kind of error for each reason why a body breaks. */
const KINDS = { left: "cancelled", silent: "body_timeout", malformed: "invalid_request" } as const;

/** Reads a compressed body. The compressed bytes have the same limit as the decompressed ones: no honest client sends a body that compression makes larger. */
function readEncoded(asked: Asked, encoding: string, limit: number, onBytes: (bytes: number) => void, owner: BodyOwner): void {
  const gathered = new Gathered(limit, 0, onBytes, owner);
  const name = encoding.slice(0, 32);
  let decompressing: Decompressor | undefined;
  try {
    decompressing = decompressor(encoding, {
      piece: (bytes) => gathered.piece(bytes),
      end: () => gathered.end(),
      failed: () => gathered.fail(new GatewayError("invalid_request", { message: `The body is not valid ${name} data.` })),
    });
  } catch (thrown) {
    gathered.fail(asGatewayError(thrown));
    return;
  }
  if (decompressing === undefined) {
    const message = `The content-encoding "${name}" is not supported: send the body as it is, or with ${ENCODINGS}.`;
    gathered.fail(new GatewayError("invalid_request", { message }));
    return;
  }
  const { write, end, stop } = decompressing;
  let length = 0;
  asked.read({
    piece(bytes) {
      length += bytes.length;
      if (length <= limit) return write(asBuffer(bytes));
      stop();
      gathered.fail(tooLarge(limit));
      return false;
    },
    end,
    broken(why) {
      stop();
      gathered.broken(why);
    },
  });
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError("too_large", {
    message: `The request body is larger than the ${sizeText(limit)} that are allowed.`,
  });
}
