/** Reads the metrics of a gateway, in the text format of Prometheus. */
import type { Target } from "./job.ts";

const EVERY_MS = 1_000;
const PATIENCE_MS = 10_000;

/** The values of all series of a metric. Labels may have braces inside, because routes have. */
export function valuesOf(page: string, name: string): number[] {
  return [...page.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))].map(([, value]) => Number(value));
}

async function values(url: string, name: string): Promise<number[]> {
  return valuesOf(await (await fetch(url)).text(), name);
}

/** Reads the lag of the event loops once a second, and keeps the largest of any thread. */
export function watchLag({ metricsUrl }: Target): { most(): Promise<{ loopLagMs?: number }> } {
  let mostSeconds = 0;
  const look = async (): Promise<void> => {
    if (metricsUrl !== undefined) mostSeconds = Math.max(mostSeconds, ...(await values(metricsUrl, "weir_worker_event_loop_lag_seconds")));
  };
  const timer = setInterval(() => void look().catch(() => {}), EVERY_MS);
  return {
    async most() {
      clearInterval(timer);
      await look();
      return metricsUrl === undefined ? {} : { loopLagMs: mostSeconds * 1_000 };
    },
  };
}

/** Fails the run where calls are still in flight although no caller waits any more. */
export async function nothingInFlight({ name, metricsUrl }: Target): Promise<void> {
  if (metricsUrl === undefined) return;
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const open = (await values(metricsUrl, "weir_requests_in_flight")).reduce((sum, value) => sum + value, 0);
    if (open === 0) return;
    if (performance.now() > untilMs) throw new Error(`${name}: ${open} calls are still in flight after all callers have left`);
    await Bun.sleep(100);
  }
}
