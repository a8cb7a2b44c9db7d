/** Where the time of a call went, for its answer's `Server-Timing`. There is one only for a call that is to say so. */

/** In the order of a call's way. `body` and `upstream` are others' time. */
const PHASES = ["auth", "body", "weigh", "limit", "queue", "upstream"] as const;

type Phase = (typeof PHASES)[number];

export class Timing {
  readonly #startedMs = performance.now();
  readonly #begunMs = new Map<Phase, number>();
  readonly #lastedMs = new Map<Phase, number>();

  /** `auth` begins with the call. */
  constructor() {
    this.begin("auth");
  }

  begin(phase: Phase): void {
    this.#begunMs.set(phase, performance.now());
  }

  /** Harmless where it has not begun. A phase that comes again is added up. */
  end(phase: Phase): void {
    const begunMs = this.#begunMs.get(phase);
    if (begunMs === undefined) return;
    this.#begunMs.delete(phase);
    this.lasted(phase, performance.now() - begunMs);
  }

  /** As `begin` and `end`, of what somebody else has measured. */
  lasted(phase: Phase, ms: number): void {
    this.#lastedMs.set(phase, (this.#lastedMs.get(phase) ?? 0) + ms);
  }

  /** One phase gives way to the other. */
  turn(from: Phase, to: Phase): void {
    this.end(from);
    this.begin(to);
  }

  /** The header's value, in milliseconds, now that the answer begins. */
  get text(): string {
    for (const phase of PHASES) this.end(phase);
    const parts = PHASES.filter((phase) => this.#lastedMs.has(phase)).map((phase) => duration(phase, this.#lastedMs.get(phase) ?? 0));
    return [...parts, duration("total", performance.now() - this.#startedMs)].join(", ");
  }
}

function duration(name: string, ms: number): string {
  return `${name};dur=${Math.max(0, ms).toFixed(3)}`;
}
