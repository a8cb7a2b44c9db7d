/** Keeps calls away from a store that fails, and probes by itself whether it works again: no call of a client is ever the probe. */

export interface BreakerOptions {
  /** So many failures in a row open the breaker. */
  failures: number;
  /** The mean pause between probes. Each pause is by chance from half of it to one and a half. */
  probeEveryMs: number;
  /** Resolves where the store works. */
  probe: () => Promise<void>;
  /** Called once for each change. */
  changed: (open: boolean, reason: string) => void;
}

export class Breaker {
  readonly #options: BreakerOptions;
  #open = true;
  #failures = 0;
  #probing = false;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins open: nothing is known of the store until the first probe. */
  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#schedule(0);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(reason: string): void {
    if (this.#open || ++this.#failures < this.#options.failures) return;
    this.#open = true;
    this.#options.changed(true, reason);
    this.#schedule(this.#pauseMs());
  }

  /** Probes at once, for example because there is a connection again. */
  async probeNow(): Promise<void> {
    if (!this.#open || this.#probing || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#probing = true;
    try {
      await this.#options.probe();
      this.#failures = 0;
      this.#open = false;
    } catch {
      this.#schedule(this.#pauseMs());
    } finally {
      this.#probing = false;
    }
    if (!this.#open && !this.#stopped) this.#options.changed(false, "");
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.probeNow(), ms);
  }

  #pauseMs(): number {
    return this.#options.probeEveryMs * (0.5 + Math.random());
  }
}
