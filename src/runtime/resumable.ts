/** One span of time in which a port is listened on. */
export interface Listening {
  readonly port: number;
  /** Fails where the runtime gives up by itself; undefined where it never does. */
  readonly over: Promise<void> | undefined;
  /** Takes no more clients; resolves once those that are there have been served. */
  stop(): Promise<void>;
}

/** Rejects where the port is taken. */
export type StartListening = (port: number) => Promise<Listening>;

/** Listens on a port, with pauses. */
export class Resumable {
  readonly port: number;
  readonly #start: StartListening;
  #now: Listening;
  #accepts = true;
  #closed = false;
  #gaveUp = false;
  /** What was served before a pause may still go on. */
  #served: Promise<unknown> = Promise.resolve();

  private constructor(start: StartListening, first: Listening) {
    this.#start = start;
    this.#now = first;
    this.port = first.port;
    this.#watch(first);
  }

  /** Rejects where the port is taken. */
  static async open(start: StartListening, port: number): Promise<Resumable> {
    return new Resumable(start, await start(port));
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

  /** To be called again only once it has resolved. */
  async resume(): Promise<boolean> {
    if (this.#accepts || this.#closed) return this.#accepts;
    try {
      const listening = await this.#start(this.port);
      this.#now = listening;
      this.#accepts = true;
      this.#gaveUp = false;
      this.#watch(listening);
    } catch {
      // Somebody else has taken the port meanwhile, or there is no descriptor for it.
    }
    if (this.#closed) this.pause();
    return this.#accepts;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.pause();
    await this.#served;
  }

  #watch(listening: Listening): void {
    listening.over?.catch(() => {
      if (this.#now !== listening || !this.#accepts) return;
      this.#gaveUp = true;
      this.pause();
    });
  }
}
