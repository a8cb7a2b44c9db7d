import type { Flat, WorkerDesk } from "../contract/messages.ts";
import type { StartThread } from "./thread.ts";

interface DeskModule {
  Desk: new (post: (reports: Flat) => void, schedule: (flush: () => void) => void) => WorkerDesk;
}

/** The thread that calls this: no other is woken for a call, and what a body or an answer costs is paid here. Lives as long as the process. */
export const startInline: StartThread = ({ reports }) => {
  let desk: WorkerDesk | undefined;
  const loaded = load().then(({ Desk }) => {
    desk = new Desk(reports, queueMicrotask);
    return desk;
  });
  return {
    post(orders) {
      if (desk === undefined) void loaded.then((ready) => ready.take(orders));
      else desk.take(orders);
    },
    terminate: () => {},
  };
};

async function load(): Promise<DeskModule> {
  return (await import(new URL("../../workers/desk.ts", import.meta.url).href)) as DeskModule;
}
