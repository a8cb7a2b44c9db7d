/** How the time of a call was spent, for the `Server-Timing` of its answer. It exists only for a call whose answer has that header. */

/** The phases in the order of a call's way. `body` is time of the client, and `upstream` is time of the upstream. */
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

  /** Does nothing where the phase has not begun. A phase that comes several times is added up. */
  end(phase: Phase): void {
    const begunMs = this.#begunMs.get(phase);
    if (begunMs === undefined) return;
    this.#begunMs.delete(phase);
    this.lasted(phase, performance.now() - begunMs);
  }

  /** The same as `begin` and `end`, for a duration that was measured elsewhere. */
  lasted(phase: Phase, ms: number): void {
    this.#lastedMs.set(phase, (this.#lastedMs.get(phase) ?? 0) + ms);
  }

  /** Ends one phase and begins the other. */
  turn(from: Phase, to: Phase): void {
    this.end(from);
    this.begin(to);
  }

  /** The value of the header, in milliseconds. Ends all phases: it is read when the answer begins. */
  get text(): string {
    for (const phase of PHASES) this.end(phase);
    const parts = PHASES.filter((phase) => this.#lastedMs.has(phase)).map((phase) => duration(phase, this.#lastedMs.get(phase) ?? 0));
    return [...parts, duration("total", performance.now() - this.#startedMs)].join(", ");
  }
}

function duration(name: string, ms: number): string {
  return `${name};dur=${Math.max(0, ms).toFixed(3)}`;
}
