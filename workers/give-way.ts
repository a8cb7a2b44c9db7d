import { platform, setPriority } from "node:os";

/** A thread of this importance gets about a tenth of a processor that another one wants too, and all of one that is idle. */
const LEAST_IMPORTANT = 10;

/** From here on the other threads of the process come first where processors are scarce. Linux alone knows of a thread's own importance. */
export function giveWay(): void {
  if (platform() !== "linux") return;
  try {
    setPriority(0, LEAST_IMPORTANT);
  } catch {
    // It works as well without, and others wait a little longer.
  }
}
