/** Where a batch goes; `log.ts` has it. */
export interface LineSink {
  write(lines: string): void;
  /** False for lines that the configured level leaves out. */
  takes(level: LineLevel): boolean;
}

export type LineLevel = "info" | "warn" | "error";

/** Lines are written once there are so many characters of them, */
const BATCH_LENGTH = 32 * 1024;
/** or the first line has waited so long. */
const LONGEST_WAIT_MS = 100;

/** Whole lines that others write by themselves. The lines of a moment leave as one write. */
export class LineBatch {
  readonly #sink: LineSink;
  #lines = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** False for lines that the configured level leaves out. */
  takes(level: LineLevel): boolean {
    return this.#sink.takes(level);
  }

  /** Adds one line, its end included. */
  add(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= BATCH_LENGTH) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), LONGEST_WAIT_MS);
  }

  /** Writes what has gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = "";
    if (lines !== "") this.#sink.write(lines);
  }
}
