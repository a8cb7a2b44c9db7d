import process from "node:process";

/** Signals within this time count as one: under npm one Ctrl-C arrives up to three times (from the terminal, npm and its script), and in a group of processes the supervisor sends one too. */
const SAME_SIGNAL_MS = 500;

/** Calls `drain` at the first signal to end, and `kill` at the second. */
export function onEnding(drain: () => void, kill: () => void): void {
  let firstMs: number | undefined;
  const onSignal = (): void => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      drain();
    } else if (performance.now() - firstMs > SAME_SIGNAL_MS) kill();
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}
