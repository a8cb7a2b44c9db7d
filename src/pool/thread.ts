import type { Flat } from "../contract/messages.ts";

interface WorkerEvents {
  reports(reports: Flat): void;
  died(reason: string): void;
}

/** Where the orders of a slot go. */
export interface WorkerPort {
  /** @param body - Of the orders, where the thread is to have it and nobody else; else it gets a copy. */
  post(orders: Flat, body?: ArrayBuffer): void;
  terminate(): void;
}

export type StartWorker = (events: WorkerEvents) => WorkerPort;

/** A thread of its own. */
export const startThread: StartWorker = ({ reports, died }) => {
  const worker = new Worker(new URL("../../workers/worker.ts", import.meta.url).href, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Flat>) => reports(data);
  worker.onerror = (event: ErrorEvent) => {
    // Deno ends the whole process for a worker's uncaught error unless this is said.
    event.preventDefault?.();
    died(deathNotice(event.message));
  };
  // Bun alone tells that a thread has ended without an error.
  worker.addEventListener("close", () => died("the thread ended"));
  return { post: (orders, body) => worker.postMessage(orders, body === undefined ? [] : [body]), terminate: () => worker.terminate() };
};

/** The line that says what happened; Bun puts the source around it as well. */
function deathNotice(message: string): string {
  return (
    message
      .split("\n")
      .find((line) => /error: /i.test(line))
      ?.slice(0, 200) ?? "uncaught error"
  );
}
