import { statSync } from "node:fs";

/** What files looked like, by absolute path: a text that differs once a file was written, replaced, moved, deleted or given other rights. */
export type Stamps = ReadonlyMap<string, string>;

/**
 * Calls `changed` once files differ from what they were when they were read. They are looked at and not listened to: a file that is replaced, a
 * secret that Kubernetes swaps by its symbolic link and a network mount tell nobody.
 */
export class FileWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  #files: readonly string[];
  #seen: string;

  /** @param read - the stamps taken before the files were read, so that a change in the meantime is one too. */
  constructor(read: Stamps, everyMs: number, changed: () => void) {
    this.#files = [...read.keys()];
    this.#seen = textOf(read.values());
    let before = this.#seen;
    this.#timer = setInterval(() => {
      const now = textOf(this.#files.map(stampOf));
      // Seen alike twice: nobody is in the middle of writing it.
      if (now !== this.#seen && now === before) {
        this.#seen = now;
        changed();
      }
      before = now;
    }, everyMs);
    this.#timer.unref?.();
  }

  /** Other files count from now on, or the same ones as they were when they were read again. */
  follow(read: Stamps): void {
    this.#files = [...read.keys()];
    this.#seen = textOf(read.values());
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Never throws: one that cannot be seen has a stamp too, so that its coming back is a change. */
export function stampOf(file: string): string {
  try {
    const stat = statSync(file);
    return `${stat.mtimeMs} ${stat.ctimeMs} ${stat.size} ${stat.ino}`;
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code);
  }
}

function textOf(stamps: Iterable<string>): string {
  return [...stamps].join("\n");
}
