/** Passes text on in whole lines, so that those of several writers can be put one after the other. */
export class WholeLines {
  readonly #pass: (lines: string) => void;
  #rest = "";

  constructor(pass: (lines: string) => void) {
    this.#pass = pass;
  }

  write(text: string): void {
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0) {
      this.#rest += text;
      return;
    }
    this.#pass(this.#rest + text.slice(0, end));
    this.#rest = text.slice(end);
  }

  /** What had no end of its own is given one. */
  end(): void {
    if (this.#rest !== "") this.#pass(`${this.#rest}\n`);
    this.#rest = "";
  }
}
