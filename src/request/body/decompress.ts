import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";

/** The known encodings, for error messages. */
export const ENCODINGS = "gzip, deflate, br or zstd";

/** How far back a zstd frame may refer: 8 MiB, as the highest usual level needs. Without this bound, a frame may ask for sixteen times as much memory. */
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const MAKERS: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: () => createZstdDecompress(ZSTD),
};

/** How many bytes of a decompressed body are taken in one turn of the thread. */
const TURN_BYTES = 256 * 1024;

/** Resolves in the last turn that has been given away. */
let line: Promise<unknown> = Promise.resolve();

/** A turn of the thread for one body alone: however many bodies are decompressed at a time, other work of the thread waits only for a piece of one of them. */
function ownTurn(): Promise<unknown> {
  line = line.then(() => new Promise((resolve) => setImmediate(resolve)));
  return line;
}

/** Receives the decompressed bytes. */
export interface Decompressed {
  /** Returns false where no more pieces are wanted. */
  piece(bytes: Uint8Array): boolean;
  end(): void;
  failed(): void;
}

export interface Decompressor {
  /** Copies the bytes. Returns false where no more bytes are wanted. */
  write(bytes: Buffer): boolean;
  end(): void;
  stop(): void;
}

/** Undefined for an unknown encoding. It decompresses on another thread, so that no body delays the others, and waits until `receiver` has taken each piece. */
export function decompressor(encoding: string, receiver: Decompressed): Decompressor | undefined {
  const make = Object.hasOwn(MAKERS, encoding) ? MAKERS[encoding] : undefined;
  if (make === undefined) return undefined;
  const stream = make();
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    stream.destroy();
  };
  let sinceTurn = 0;
  stream.on("data", (bytes: Buffer) => {
    if (isOver) return;
    if (!receiver.piece(bytes)) {
      stop();
      return;
    }
    sinceTurn += bytes.length;
    if (sinceTurn < TURN_BYTES) return;
    sinceTurn = 0;
    stream.pause();
    void ownTurn().then(() => stream.resume());
  });
  stream.on("end", () => {
    if (!isOver) receiver.end();
  });
  stream.on("error", () => {
    if (isOver) return;
    isOver = true;
    receiver.failed();
  });
  return {
    write(bytes) {
      if (!isOver) stream.write(Buffer.from(bytes));
      return !isOver;
    },
    end() {
      if (!isOver) stream.end();
    },
    stop,
  };
}
