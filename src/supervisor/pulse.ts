import type { Child } from "./child.ts";

/** A process that has not answered so many times in a row is stuck: its share of new connections would wait for ever. */
const MISSES = 4;

/** Asks every process that listens, again and again, whether it is alive. */
export function watchPulses(members: () => readonly (Child | undefined)[], everyMs: number, onStuck: (child: Child) => void): void {
  const misses = new WeakMap<Child, number>();
  const look = async (child: Child): Promise<void> => {
    const missed = (await child.ask("/healthz")) === undefined ? (misses.get(child) ?? 0) + 1 : 0;
    misses.set(child, missed);
    if (missed === MISSES && child.state === "listening") onStuck(child);
  };
  setInterval(() => {
    for (const child of members()) if (child?.state === "listening") void look(child);
  }, everyMs).unref?.();
}
