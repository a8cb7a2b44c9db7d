import { throwLater } from "../contract/fault.ts";
import type { Flat, WorkerDesk } from "../contract/messages.ts";
import type { StartWorker } from "./thread.ts";

interface DeskModule {
  Desk: new (post: (reports: Flat) => void, schedule: (flush: () => void) => void) => WorkerDesk;
}

/** The worker is the thread that calls this: no other thread is woken for a call, and this thread does all the work. The worker lives as long as the process. */
export const startInline: StartWorker = ({ reports, died }) => {
  let desk: WorkerDesk | undefined;
  const early: Flat[] = [];
  const take = (worker: WorkerDesk, orders: Flat): void => {
    try {
      worker.take(orders);
    } catch (thrown) {
      // The call that happened to post these orders is not at fault.
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
