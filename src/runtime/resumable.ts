/** One span of time in which a port is listened on. */
export interface Listening {
  readonly port: number;
  /** Fails where the runtime gives up by itself; undefined where it never does. */
  readonly over: Promise<void> | undefined;
  /** Takes no more clients; resolves once those that are there have been served. */
  stop(): Promise<void>;
}

/** Listens on a port, with pauses. */
export class Resumable {
  readonly port: number;
  readonly #start: (port: number) => Listening;
  #now: Listening;
  #accepts = true;
  #closed = false;
  #gaveUp = false;
  /** What was served before a pause may still go on. */
  #served: Promise<unknown> = Promise.resolve();

  /** @throws where the port is taken */
  constructor(start: (port: number) => Listening, port: number) {
    this.#start = start;
    this.#now = this.#begin(port);
    this.port = this.#now.port;
  }

  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  pause(): void {
    if (!this.#accepts) return;
    this.#accepts = false;
    const { stop } = this.#now;
    this.#served = Promise.allSettled([this.#served, stop()]);
  }

  resume(): boolean {
    if (this.#accepts || this.#closed) return this.#accepts;
    try {
      this.#now = this.#begin(this.port);
      this.#accepts = true;
      this.#gaveUp = false;
    } catch {
      // Somebody else has taken the port meanwhile, or there is no descriptor for it.
    }
    return this.#accepts;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.pause();
    await this.#served;
  }

  #begin(port: number): Listening {
    const listening = this.#start(port);
    listening.over?.catch(() => {
      if (this.#now !== listening || !this.#accepts) return;
      this.#gaveUp = true;
      this.pause();
    });
    return listening;
  }
}
