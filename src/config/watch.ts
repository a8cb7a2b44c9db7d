import { statSync } from "node:fs";

/**
 * Calls `changed` once the files that were read for a configuration differ from what they were. They are looked at and not listened to: a file
 * that is replaced, a secret that Kubernetes swaps by its symbolic link and a network mount tell nobody.
 */
export class FileWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  #files: readonly string[];
  #seen: string;

  /** @param files - Absolute paths. */
  constructor(files: readonly string[], everyMs: number, changed: () => void) {
    this.#files = files;
    this.#seen = stamps(files);
    let before = this.#seen;
    this.#timer = setInterval(() => {
      const now = stamps(this.#files);
      // Seen alike twice: nobody is in the middle of writing it.
      if (now !== this.#seen && now === before) {
        this.#seen = now;
        changed();
      }
      before = now;
    }, everyMs);
    this.#timer.unref?.();
  }

  /** Other files count from now on. */
  follow(files: readonly string[]): void {
    this.#files = files;
    this.#seen = stamps(files);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Time, size and place of each file; one that cannot be seen has a stamp too, so that its coming back is a change. */
function stamps(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? "none" : `${stat.mtimeMs} ${stat.size} ${stat.ino}`;
    })
    .join("\n");
}
