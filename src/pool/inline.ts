import { throwLater } from "../contract/fault.ts";
import type { Flat, WorkerDesk } from "../contract/messages.ts";
import type { StartWorker } from "./thread.ts";

interface DeskModule {
  Desk: new (post: (reports: Flat) => void, schedule: (flush: () => void) => void) => WorkerDesk;
}

/** The thread that calls this: no other is woken for a call, and what a body or an answer costs is paid here. Lives as long as the process. */
export const startInline: StartWorker = ({ reports, died }) => {
  let desk: WorkerDesk | undefined;
  const early: Flat[] = [];
  const take = (worker: WorkerDesk, orders: Flat): void => {
    try {
      worker.take(orders);
    } catch (thrown) {
      // Not that of the call that happened to post.
      throwLater(thrown);
    }
  };
  const start = async (): Promise<void> => {
    const { Desk } = (await import(new URL("../../workers/desk.ts", import.meta.url).href)) as DeskModule;
    const worker = new Desk(reports, queueMicrotask);
    for (const orders of early.splice(0)) take(worker, orders);
    desk = worker;
  };
  start().catch((thrown: unknown) => died(thrown instanceof Error ? thrown.message : String(thrown)));
  return {
    post(orders) {
      if (desk === undefined) early.push(orders);
      else take(desk, orders);
    },
    terminate: () => {},
  };
};
