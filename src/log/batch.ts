/** Takes batches of lines; `log.ts` has one. */
export interface LineSink {
  write(lines: string): void;
  /** False for lines that the configured level leaves out. */
  takes(level: LineLevel): boolean;
}

export type LineLevel = "info" | "warn" | "error";

/** A batch is written when it has this number of characters. */
const BATCH_LENGTH = 32 * 1024;
/** A batch is written at the latest when its first line has waited for this time. */
const LONGEST_WAIT_MS = 100;

/** Gathers whole lines that the caller has formatted. The lines of a moment leave as one write. */
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

  /** Writes the lines that have gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = "";
    if (lines !== "") this.#sink.write(lines);
  }
}
