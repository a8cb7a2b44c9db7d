import type { Readiness } from "../contract/readiness.ts";

interface Part {
  line(): string;
  /** Whether the gateway may take traffic, as far as this part is concerned. */
  holds(): boolean;
}

/** The answer to `/readyz`: put together from the parts that have been added, in their order. */
export class Ready {
  readonly #parts = new Map<string, Part>();
  readonly #further: (() => Record<string, string>)[] = [];

  /** @param holds - Where it is left out, the part has a line and no say. */
  add(name: string, line: () => string, holds: () => boolean = () => true): void {
    this.#parts.set(name, { line, holds });
  }

  /** Lines of which there are more or fewer from time to time. */
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
