import { statSync } from "node:fs";
import { stat } from "node:fs/promises";

/** What a file looked like: a text that differs once it was written, replaced, moved, deleted or given other rights. */
export type Stamp = string;

/** By the file's absolute path. */
export type Stamps = ReadonlyMap<string, Stamp>;

/** Some programs write a file in two steps (an editor, a template, a copy over a network): the rest may come within this many looks. */
const SETTLED_LOOKS = 3;

/**
 * Calls `changed` once files differ from what they were when they were read, and have been left alone for a while. They are looked at and not
 * listened to: a file that is replaced, a secret that Kubernetes swaps by its symbolic link and a network mount send no notice. Looks are not waited
 * for, since a mount may hang: while one is on its way, there is no other.
 */
export class FileWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #changed: () => void;
  #files: readonly string[];
  #seen: string;
  #before: string;
  #alike = 0;
  #isLooking = false;
  #turn = 0;

  /** @param read - the stamps taken before the files were read, so that a change in the meantime is one too. */
  constructor(read: Stamps, everyMs: number, changed: () => void) {
    this.#changed = changed;
    this.#files = [...read.keys()];
    this.#seen = textOf(read.values());
    this.#before = this.#seen;
    this.#timer = setInterval(() => {
      if (!this.#isLooking) void this.#look();
    }, everyMs);
    this.#timer.unref?.();
  }

  /** Other files count from now on, or the same ones as they were when they were read again. */
  follow(read: Stamps): void {
    this.#turn += 1;
    this.#files = [...read.keys()];
    this.#seen = textOf(read.values());
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    const turn = this.#turn;
    const now = textOf(await Promise.all(this.#files.map(stampOf)));
    this.#isLooking = false;
    // Other files are followed meanwhile.
    if (turn !== this.#turn) return;
    this.#alike = now === this.#before ? this.#alike + 1 : 0;
    this.#before = now;
    if (now === this.#seen || this.#alike < SETTLED_LOOKS) return;
    this.#seen = now;
    this.#changed();
  }
}

/** Never rejects: one that cannot be seen has a stamp too, so that its coming back is a change. */
export async function stampOf(file: string): Promise<Stamp> {
  try {
    return stampText(await stat(file));
  } catch (thrown) {
    return codeText(thrown);
  }
}

/** As `stampOf`, but synchronous: at the start no call waits. */
export function stampNow(file: string): Stamp {
  try {
    return stampText(statSync(file));
  } catch (thrown) {
    return codeText(thrown);
  }
}

function stampText({ mtimeMs, ctimeMs, size, ino }: { mtimeMs: number; ctimeMs: number; size: number; ino: number }): Stamp {
  return `${mtimeMs} ${ctimeMs} ${size} ${ino}`;
}

function codeText(thrown: unknown): Stamp {
  return String((thrown as { code?: unknown }).code);
}

function textOf(stamps: Iterable<Stamp>): string {
  return [...stamps].join("\n");
}
