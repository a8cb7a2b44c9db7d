import { type ErrorKind, TARGET_FAILURES } from "../contract/errors.ts";

/** Whether the end of a call speaks against the upstream. One that throttles is alive: it is at its limit. */
function isFailure(outcome: "ok" | ErrorKind): boolean {
  return TARGET_FAILURES.has(outcome) && outcome !== "upstream_rate_limited";
}

/** Ends that tell nothing: it may have come to no answer. */
const SILENT: ReadonlySet<string> = new Set<ErrorKind>(["cancelled", "worker_lost", "draining", "internal", "invalid_request"]);

interface Health {
  /** Calls in a row that failed; 0 where the last one was answered. */
  failures: number;
  /** Milliseconds since 1970 of the first of them. */
  sinceMs: number;
  lastKind: string;
}

/** What the last calls to each upstream have said of it. A call costs a look-up, and a failure the time of day. */
export class UpstreamHealth {
  readonly #upstreams = new Map<string, Health>();

  /** A call to this upstream has ended. */
  note(upstream: string, outcome: "ok" | ErrorKind): void {
    if (SILENT.has(outcome)) return;
    let health = this.#upstreams.get(upstream);
    if (health === undefined) {
      health = { failures: 0, sinceMs: 0, lastKind: "" };
      this.#upstreams.set(upstream, health);
    }
    if (!isFailure(outcome)) {
      health.failures = 0;
      return;
    }
    health.failures += 1;
    health.lastKind = outcome;
    if (health.failures === 1) health.sinceMs = Date.now();
  }

  /** One line for each of these upstreams; what is known of others is forgotten. */
  lines(upstreams: Iterable<string>): Record<string, string> {
    const names = new Set(upstreams);
    for (const name of this.#upstreams.keys()) if (!names.has(name)) this.#upstreams.delete(name);
    return Object.fromEntries([...names].sort().map((name) => [`upstream ${name}`, line(this.#upstreams.get(name))]));
  }
}

function line(health: Health | undefined): string {
  if (health === undefined) return "ok: no call yet";
  if (health.failures === 0) return "ok";
  const { failures, sinceMs, lastKind } = health;
  const calls = failures === 1 ? "1 call" : `${failures} calls in a row`;
  return `failing since ${new Date(sinceMs).toISOString()}: ${calls}, the last ${lastKind}`;
}
