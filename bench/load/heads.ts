/**
 * Connections that never finish the head of a request: how much memory each one needs, how long it takes until the server has closed the last one, and how much
 * slower the calls of another client are beside them.
 */
import { connect } from "bun";
import { rssBytes } from "../processes.ts";
import { warmUp } from "./callers.ts";
import { type Job, type Outcome, only, type Target } from "./job.ts";
import { open } from "./open.ts";

const AT_ONCE = 250;
/** Milliseconds of the warm-up, and of the pause after it. */
const [WARM_UP_MS, REST_MS] = [300, 3_000];
/** Longer than any server should wait for a head. */
const PATIENCE_MS = 60_000;
/** How many connections the other client has. */
const CALLERS = 8;

export async function heads(job: Job): Promise<Outcome> {
  const target = only(job);
  await warmUp(target, job.warmUpBody, Math.min(target.warmUpMs, WARM_UP_MS));
  const caller: Job = { ...job, kind: "open", callers: CALLERS, targets: [{ ...target, warmUpMs: 0 }] };
  const alone = await open(caller);
  if (target.warmUpMs > 0) await Bun.sleep(REST_MS);

  const before = rssBytes(target.pids);
  const begun = performance.now();
  const begunHeads: HalfHead[] = [];
  while (begunHeads.length < job.callers)
    begunHeads.push(
      ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, job.callers - begunHeads.length) }, () => halfHead(target)))),
    );
  const growth = rssBytes(target.pids) - before;
  const disturbed = await open(caller);
  // A smoke run does not wait so long.
  if (target.warmUpMs > 0) await allGone(target, begunHeads);
  for (const { leave } of begunHeads) leave();
  const [quiet, beside] = [alone.measures[target.name] ?? {}, disturbed.measures[target.name] ?? {}];
  return {
    measures: {
      [target.name]: {
        streams: begunHeads.length,
        rssPerConnectionBytes: growth / begunHeads.length,
        goneSeconds: (performance.now() - begun) / 1_000,
        p99Ms: beside.p99Ms ?? 0,
        aloneP99Ms: quiet.p99Ms ?? 0,
        riseP99Ms: (beside.p99Ms ?? 0) - (quiet.p99Ms ?? 0),
      },
    },
    calls: alone.calls + disturbed.calls,
  };
}

async function allGone({ name }: Target, halves: readonly HalfHead[]): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${name}: connections without a whole head are not closed`)), PATIENCE_MS);
  await Promise.race([Promise.all(halves.map(({ gone }) => gone)), late.promise]);
  clearTimeout(timer);
}

interface HalfHead {
  /** Resolves when the server has closed it. */
  gone: Promise<void>;
  leave(): void;
}

async function halfHead({ host, port, path, tls }: Target): Promise<HalfHead> {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const socket = await connect({
    hostname: host,
    port,
    ...(tls === undefined ? {} : { tls }),
    socket: { data: () => {}, close: () => resolve(), error: () => resolve() },
  });
  socket.write(`POST ${path} HTTP/1.1\r\nhost: ${host}\r\n`);
  return { gone, leave: () => socket.terminate() };
}
