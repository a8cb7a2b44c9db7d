/**
 * How files of a configuration are read. A file may be one that never ends or never answers: a pipe, a device, a mount whose server is away.
 * At the start a file is read at once; while calls are served it is read beside them, within a bounded time.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { type Stamp, stampNow, stampOf } from "./watch.ts";

/** Where the configuration and what it names come from. */
export interface FileSource {
  /** @throws Error as `node:fs` does, or `NotReadable` */
  text(path: string): string;
  /** What it looked like before it was read; never throws. */
  stamp(path: string): Stamp;
}

/** Configurations and secrets have kilobytes. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A disk answers in milliseconds; a mount that needs longer is taken for one that hangs. */
const PATIENCE_MS = 3_000;
/** Without waiting for a writer, as opening a pipe would. */
const HOW = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A file that is there and still not to be read; `message` is the end of "a file which …". */
export class NotReadable extends Error {
  override readonly name = "NotReadable";
}

export const disk: FileSource = {
  text(path) {
    const file = openSync(path, HOW);
    try {
      requireText(fstatSync(file));
      return readFileSync(file, "utf8");
    } finally {
      closeSync(file);
    }
  },
  stamp: stampNow,
};

interface Loaded {
  stamp: Stamp;
  text: string | undefined;
  failure: unknown;
}

/** Files that were read beforehand; one that was not yet is noted, so that it can be. */
export class Preloaded implements FileSource {
  readonly #files = new Map<string, Loaded>();
  readonly #missing = new Set<string>();

  text(path: string): string {
    const file = this.#files.get(path);
    if (file === undefined) {
      this.#missing.add(path);
      throw new NotReadable("has not been read yet");
    }
    if (file.text === undefined) throw file.failure;
    return file.text;
  }

  stamp(path: string): Stamp {
    return this.#files.get(path)?.stamp ?? "";
  }

  /** Reads what was asked for and not there. Resolves with false where nothing was. Never rejects. */
  async load(patienceMs: number = PATIENCE_MS): Promise<boolean> {
    const missing = [...this.#missing];
    this.#missing.clear();
    await Promise.all(missing.map(async (path) => this.#files.set(path, await loaded(path, patienceMs))));
    return missing.length > 0;
  }
}

async function loaded(path: string, patienceMs: number): Promise<Loaded> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<Loaded>((resolve) => {
    const failure = new NotReadable(`did not answer within ${patienceMs / 1000} s`);
    timer = setTimeout(() => resolve({ stamp: "", text: undefined, failure }), patienceMs);
  });
  try {
    return await Promise.race([loadNow(path), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function loadNow(path: string): Promise<Loaded> {
  const stamp = await stampOf(path);
  try {
    // Before it is opened, because Deno opens a pipe only once somebody writes to it.
    requireText(await stat(path));
    const file = await open(path, HOW);
    try {
      requireText(await file.stat());
      return { stamp, text: await file.readFile("utf8"), failure: undefined };
    } finally {
      await file.close();
    }
  } catch (failure) {
    return { stamp, text: undefined, failure };
  }
}

function requireText(found: { isFile(): boolean; isDirectory(): boolean; size: number }): void {
  if (found.isDirectory()) throw new NotReadable("is a directory");
  if (!found.isFile()) throw new NotReadable("is no regular file but a pipe, a socket or a device");
  if (found.size > MOST_BYTES) throw new NotReadable(`has more than ${MOST_BYTES / 1024 ** 2} MiB`);
}
