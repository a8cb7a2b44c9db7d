/**
 * How files of a configuration are read (why so carefully: `text-file.ts`). At the start a file is read at once; while calls are served it is read beside them, within a bounded time.
 */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { HOW_TO_OPEN, NotReadable, PATIENCE_MS, patiently, readTextFile, requireText } from "../contract/text-file.ts";
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
  let stamp: Stamp = "";
  try {
    stamp = await patiently(path, () => stampOf(path), patienceMs);
    return { stamp, text: await readTextFile(path, MOST_BYTES, patienceMs), failure: undefined };
  } catch (failure) {
    return { stamp, text: undefined, failure };
  }
}
