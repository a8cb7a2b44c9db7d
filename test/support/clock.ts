/** The clock of this process, and what a test can trust of it while the machine is busy with other tests. */
import { spyOn } from "bun:test";
import process from "node:process";
import { pause } from "./waits.ts";

const realMs = performance.now.bind(performance);
let aheadMs = 0;

/** From now on `performance.now` says so much more: for code that takes no clock as an argument. `restoreClock` undoes it, in `afterEach`. */
export function putForward(ms: number): void {
  aheadMs += ms;
  spyOn(performance, "now").mockImplementation(() => realMs() + aheadMs);
}

export function restoreClock(): void {
  aheadMs = 0;
  spyOn(performance, "now").mockRestore();
}

/** Milliseconds of processor time that `act` takes. On a busy machine `act` takes longer by the clock, and hardly longer by this. */
export function cpuMsOf(act: () => void): number {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const EVERY_MS = 10;

/** How late the timers of this process are at most: a busy machine adds as much to every wait that a test measures. */
export class Lateness {
  mostMs = 0;
  #isMeasuring = true;

  constructor() {
    void this.#measure();
  }

  stop(): void {
    this.#isMeasuring = false;
  }

  async #measure(): Promise<void> {
    while (this.#isMeasuring) {
      const startedMs = realMs();
      await pause(EVERY_MS);
      this.mostMs = Math.max(this.mostMs, realMs() - startedMs - EVERY_MS);
    }
  }
}
