import type { Readiness } from "../contract/readiness.ts";

interface Part {
  line(): string;
  /** False where the gateway must not take traffic because of this part. */
  holds(): boolean;
}

/** The answer to `/readyz`, from the parts that were added, in their order. */
export class Ready {
  readonly #parts = new Map<string, Part>();
  readonly #further: (() => Record<string, string>)[] = [];

  /** @param holds - Left out: the part has a line, but never makes the gateway unready. */
  add(name: string, line: () => string, holds: () => boolean = () => true): void {
    this.#parts.set(name, { line, holds });
  }

  /** Adds lines whose number changes. */
  addLines(lines: () => Record<string, string>): void {
    this.#further.push(lines);
  }

  report(): Readiness {
    const detail = Object.fromEntries(Array.from(this.#parts, ([name, part]) => [name, part.line()]));
    return {
      ready: [...this.#parts.values()].every((part) => part.holds()),
      detail: Object.assign(detail, ...this.#further.map((lines) => lines())),
    };
  }
}
