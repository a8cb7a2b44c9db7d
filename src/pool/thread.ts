import type { Flat } from "../contract/messages.ts";

interface WorkerEvents {
  reports(reports: Flat): void;
  died(reason: string): void;
}

/** The channel for the orders of a slot. */
export interface WorkerPort {
  /** @param body - A buffer in the orders that is moved to the thread; other buffers are copied. */
  post(orders: Flat, body?: ArrayBuffer): void;
  terminate(): void;
}

export type StartWorker = (events: WorkerEvents) => WorkerPort;

/** The worker is a separate thread. */
export const startThread: StartWorker = ({ reports, died }) => {
  const worker = new Worker(new URL("../../workers/worker.ts", import.meta.url).href, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Flat>) => reports(data);
  worker.onerror = (event: ErrorEvent) => {
    // Deno ends the whole process for a worker's uncaught error unless this is called.
    event.preventDefault?.();
    died(deathNotice(event.message));
  };
  // Only Bun reports that a thread has ended without an error.
  worker.addEventListener("close", () => died("the thread ended"));
  return { post: (orders, body) => worker.postMessage(orders, body === undefined ? [] : [body]), terminate: () => worker.terminate() };
};

/** The line of the message that says what happened. Bun adds lines of the source to it. */
function deathNotice(message: string): string {
  return (
    message
      .split("\n")
      .find((line) => /error: /i.test(line))
      ?.slice(0, 200) ?? "uncaught error"
  );
}
