/** What is done with a fault that belongs to no call: it must not take along the calls of everybody else. */
import process from "node:process";

/** Thrown to end the thread, and with `workers: 0` the process: by a drill, and where there is no going on. */
export class Ending extends Error {
  override readonly name = "Ending";
}

/** Throws outside of whatever is running, which goes on: for those who stand between many calls and one of them. */
export function throwLater(thrown: unknown): void {
  queueMicrotask(() => {
    throw thrown;
  });
}

/** From here on this thread outlives what nobody has caught, in a callback or in a promise; `tell` is given it. */
export function outliveFaults(tell: (thrown: unknown) => void): void {
  const take = (thrown: unknown): void => {
    if (!(thrown instanceof Ending)) {
      tell(thrown);
      return;
    }
    // With nobody listening, it does what any uncaught error does.
    process.off("uncaughtException", take);
    setTimeout(() => {
      throw thrown;
    });
  };
  process.on("uncaughtException", take);
  process.on("unhandledRejection", tell);
}
