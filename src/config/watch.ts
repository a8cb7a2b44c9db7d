import { statSync } from "node:fs";
import { stat } from "node:fs/promises";

/** A text that changes when a file is written, replaced, moved or deleted, or gets other rights. */
export type Stamp = string;

/** Keys are absolute paths. */
export type Stamps = ReadonlyMap<string, Stamp>;

/** Looks without a further change before a change counts: some programs write a file in two steps (an editor, a template, a copy over a network). */
const SETTLED_LOOKS = 3;

/**
 * Calls `changed` when files differ from what was read, and have not changed again for some looks. It looks at them again and again, because a file
 * that is replaced, a secret that Kubernetes changes by a symbolic link and a network mount send no notice. A look may take long, because a mount may
 * hang: there is only one at a time, and the thread does not wait for it.
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

  /** @param read - the stamps from before the files were read, so that a change during the reading is noticed */
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

  /** Watches these files from now on. Their stamps are from before they were read. */
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
    // `follow` was called meanwhile.
    if (turn !== this.#turn) return;
    this.#alike = now === this.#before ? this.#alike + 1 : 0;
    this.#before = now;
    if (now === this.#seen || this.#alike < SETTLED_LOOKS) return;
    this.#seen = now;
    this.#changed();
  }
}

/** Never rejects: a file that is not there has a stamp too, so that its return is a change. */
export async function stampOf(file: string): Promise<Stamp> {
  try {
    return stampText(await stat(file));
  } catch (thrown) {
    return codeText(thrown);
  }
}

/** As `stampOf`, but synchronous: for the start, when no call waits. */
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
