import type { Definer } from "./registry.ts";

export interface WorkerSample {
  worker: number;
  /** Calls that the worker has open. */
  calls: number;
  /** Orders that the worker has not taken yet. */
  queued: number;
  lagMs: number;
}

/** Metrics of this process's threads. */
export class WorkerMetrics {
  readonly #queue;
  readonly #streams;
  readonly #lag;
  readonly #restarts;
  #samples: () => readonly WorkerSample[] = () => [];

  constructor(make: Definer) {
    this.#queue = make.gauge(
      "weir_worker_queue_depth",
      "Orders that were posted to a worker and that it has not yet taken, as reported in its last second.",
      ["worker"],
    );
    this.#streams = make.gauge("weir_worker_streams", "Calls that a worker has open.", ["worker"]);
    this.#lag = make.gauge(
      "weir_worker_event_loop_lag_seconds",
      "How late the regular timer of the thread ran last. `front` is the thread that listens; with `workers: 0`, worker `0` is the same thread.",
      ["worker"],
    );
    this.#restarts = make.counter("weir_worker_restarts_total", "Workers that died and were replaced.", []);
    this.#restarts.cell();
  }

  restarted(): void {
    this.#restarts.cell().value += 1;
  }

  /** How late the timer of the front's thread has run. */
  frontLag(lagMs: number): void {
    this.#lag.set({ worker: "front" }, lagMs / 1000);
  }

  /** The workers are read at each scrape. */
  sampleWorkers(samples: () => readonly WorkerSample[]): void {
    this.#samples = samples;
  }

  /** To be called at each scrape. */
  sample(): void {
    for (const { worker, calls, queued, lagMs } of this.#samples()) {
      this.#queue.set({ worker }, queued);
      this.#streams.set({ worker }, calls);
      this.#lag.set({ worker }, lagMs / 1000);
    }
  }
}
