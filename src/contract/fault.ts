/** How a fault that belongs to no call is handled: it must not end the calls of all clients. */
import process from "node:process";

/** Thrown to end the thread (with `workers: 0` the process): in a drill, and where the thread cannot go on. */
export class Ending extends Error {
  override readonly name = "Ending";
}

/** Throws outside of the running code, which goes on. For code that serves many calls and must not fail because of one of them. */
export function throwLater(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

/** From here on an uncaught error, in a callback or in a promise, does not end this thread; `report` gets the error. */
export function outliveFaults(report: (thrown: unknown) => void): void {
  const take = (thrown: unknown): void => {
    if (!(thrown instanceof Ending)) {
      report(thrown);
      return;
    }
    // Without a listener, the thrown error does what any uncaught error does: it ends the thread.
    process.off("uncaughtException", take);
    setTimeout(() => {
      throw thrown;
    });
  };
  process.on("uncaughtException", take);
  process.on("unhandledRejection", report);
}
