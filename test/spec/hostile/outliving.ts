/** A process with faults that belong to no call: in a deadline, in a promise, in a timer; at last one that is meant to end it. Prints what it was told of. */
import { Ending, outliveFaults } from "../../../src/contract/fault.ts";
import { Wheel } from "../../../workers/wire/clock.ts";

const DUE_MS = 20;
const wheel = new Wheel(5);

outliveFaults((thrown) => console.log(`told of ${(thrown as Error).message}`));
Promise.reject(new Error("a promise"));
setTimeout(() => {
  throw new Error("a timer");
});
wheel.schedule(DUE_MS, () => {
  throw new Error("a deadline");
});
wheel.schedule(DUE_MS, () => {
  console.log("another deadline of the same turn");
  return 0;
});
// A process with nothing but a wheel ends.
setTimeout(
  () =>
    wheel.schedule(DUE_MS, () => {
      console.log("a later deadline");
      setTimeout(() => {
        throw new Ending("meant to end");
      });
      return 0;
    }),
  2 * DUE_MS,
);
setTimeout(() => console.log("never ended"), 20_000);
