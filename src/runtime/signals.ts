import process from "node:process";

/** Ctrl-C under npm arrives up to three times (terminal, npm, its script), and in a group of processes from the supervisor as well: those are one. */
const SAME_SIGNAL_MS = 500;

/** Calls `drain` when this process is told to end, and `kill` when it is told so a second time. */
export function onEnding(drain: () => void, kill: () => void): void {
  let toldMs: number | undefined;
  const told = (): void => {
    if (toldMs === undefined) {
      toldMs = performance.now();
      drain();
    } else if (performance.now() - toldMs > SAME_SIGNAL_MS) kill();
  };
  process.on("SIGTERM", told);
  process.on("SIGINT", told);
}
