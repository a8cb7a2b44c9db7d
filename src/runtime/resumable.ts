import type { Identity } from "../contract/config.ts";

/** A listener on a port, from its start until a pause or the end. */
export interface Listening {
  readonly port: number;
  /** Number of open connections. */
  connections(): number;
  /** Rejects where the runtime gives up listening by itself; undefined where it never does. */
  readonly over: Promise<void> | undefined;
  /** From now on every connection closes after its answer. */
  retire(): void;
  /** Accepts no more clients; resolves when the open connections have been served. */
  stop(): Promise<void>;
}

/** Where and how to listen, without the port. */
export interface Binding {
  host: string;
  /** Other processes listen on the port too. */
  shared: boolean;
  /** TLS with the certificate that is current when a client connects; undefined for plain HTTP. */
  identity: { readonly current: Identity } | undefined;
}

/** Starts a listener. Rejects where the port is in use. */
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
  /** The current listener, and earlier ones that still have connections. */
  readonly #serving = new Set<Listening>();
  /** Resolves when the listeners before a pause have ended. */
  #served: Promise<unknown> = Promise.resolve();

  private constructor(start: StartListening, first: Listening) {
    this.#start = start;
    this.#now = first;
    this.port = first.port;
    this.#begin(first);
  }

  /** Rejects where the port is in use. */
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

  /** Listens again. Not to be called a second time before it has resolved. */
  async resume(): Promise<boolean> {
    if (this.#accepts || this.#closed) return this.#accepts;
    try {
      const listening = await this.#start(this.port);
      this.#now = listening;
      this.#accepts = true;
      this.#gaveUp = false;
      this.#begin(listening);
    } catch {
      // Another program has taken the port meanwhile, or no descriptor is free.
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
