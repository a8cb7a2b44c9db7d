import type { Identity } from "../contract/config.ts";

/** One span of time in which a port is listened on. */
export interface Listening {
  readonly port: number;
  /** Connections that are open. */
  connections(): number;
  /** Fails where the runtime gives up by itself; undefined where it never does. */
  readonly over: Promise<void> | undefined;
  /** From now on no connection outlives its answer. */
  retire(): void;
  /** Takes no more clients; resolves once those that are there have been served. */
  stop(): Promise<void>;
}

/** Where, and how, whatever the port is. */
export interface Binding {
  host: string;
  /** Other processes listen on the port too. */
  shared: boolean;
  /** TLS, by what is current when a client connects; undefined for plain HTTP. */
  identity: { readonly current: Identity } | undefined;
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
  #isRetiring = false;
  /** This one, and those before a pause that still have connections. */
  readonly #serving = new Set<Listening>();
  /** What was served before a pause may still go on. */
  #served: Promise<unknown> = Promise.resolve();

  private constructor(start: StartListening, first: Listening) {
    this.#start = start;
    this.#now = first;
    this.port = first.port;
    this.#begin(first);
  }

  /** Rejects where the port is taken. */
  static async open(start: StartListening, port: number): Promise<Resumable> {
    return new Resumable(start, await start(port));
  }

  get connections(): number {
    let sum = 0;
    for (const listening of this.#serving) sum += listening.connections();
    return sum;
  }

  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  retire(): void {
    this.#isRetiring = true;
    for (const listening of this.#serving) listening.retire();
  }

  pause(): void {
    if (!this.#accepts) return;
    this.#accepts = false;
    const over = this.#now;
    const stopped = over.stop().finally(() => this.#serving.delete(over));
    this.#served = Promise.allSettled([this.#served, stopped]);
  }

  /** To be called again only once it has resolved. */
  async resume(): Promise<boolean> {
    if (this.#accepts || this.#closed) return this.#accepts;
    try {
      const listening = await this.#start(this.port);
      this.#now = listening;
      this.#accepts = true;
      this.#gaveUp = false;
      this.#begin(listening);
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

  #begin(listening: Listening): void {
    this.#serving.add(listening);
    if (this.#isRetiring) listening.retire();
    listening.over?.catch(() => {
      if (this.#now !== listening || !this.#accepts) return;
      this.#gaveUp = true;
      this.pause();
    });
  }
}
