import type { Flat } from "../contract/messages.ts";

interface ThreadEvents {
  reports(reports: Flat): void;
  died(reason: string): void;
}

/** Whoever takes the orders of a slot. */
export interface Thread {
  /** Bodies in `moved` change hands. */
  post(orders: Flat, moved?: ArrayBuffer[]): void;
  terminate(): void;
}

export type StartThread = (events: ThreadEvents) => Thread;

/** A thread of its own. */
export const startWorker: StartThread = ({ reports, died }) => {
  const worker = new Worker(new URL("../../workers/worker.ts", import.meta.url).href, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Flat>) => reports(data);
  worker.onerror = (event: ErrorEvent) => {
    // Deno ends the whole process for a worker's uncaught error unless this is said.
    event.preventDefault?.();
    died(deathNotice(event.message));
  };
  // Bun alone tells that a thread has ended without an error.
  worker.addEventListener("close", () => died("the thread ended"));
  return { post: (orders, moved = []) => worker.postMessage(orders, moved), terminate: () => worker.terminate() };
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
