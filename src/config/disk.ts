/**
 * How files of a configuration are read (`text-file.ts` has the reasons). At the start the thread waits for each file. While calls are served, files are
 * read beside the calls, within a bounded time.
 */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { HOW_TO_OPEN, NotReadable, PATIENCE_MS, patiently, readTextFile, requireText } from "../contract/text-file.ts";
import { type Stamp, stampNow, stampOf } from "./watch.ts";

/** Where the configuration and the files that it names come from. */
export interface FileSource {
  /** @throws Error as `node:fs` does, or `NotReadable` */
  text(path: string): string;
  /** The stamp of the file, to be taken before the file is read. Never throws. */
  stamp(path: string): Stamp;
}

/** A bound for mistakes: configurations and secrets have kilobytes. */
const MOST_BYTES = 16 * 1024 * 1024;

export const disk: FileSource = {
  text(path) {
    const file = openSync(path, HOW_TO_OPEN);
    try {
      requireText(fstatSync(file), MOST_BYTES);
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

/** Files that were read beforehand. A file that was not is noted, and `load` reads it. */
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

  /** Reads the files that were noted. Resolves with false where there were none. Never rejects. */
  async load(patienceMs: number = PATIENCE_MS): Promise<boolean> {
    const missing = [...this.#missing];
    this.#missing.clear();
    await Promise.all(missing.map(async (path) => this.#files.set(path, await loaded(path, patienceMs))));
    return missing.length > 0;
  }
}

async function loaded(path: string, patienceMs: number): Promise<Loaded> {
  let stamp: Stamp = "";
  try {
    stamp = await patiently(path, () => stampOf(path), patienceMs);
    return { stamp, text: await readTextFile(path, MOST_BYTES, patienceMs), failure: undefined };
  } catch (failure) {
    return { stamp, text: undefined, failure };
  }
}
