/**
 * Calls that begin at fixed times, whether earlier ones are answered or not, as from many clients that do not know of each other. The latency of a call counts
 * from the time at which it should begin. So a gateway that stops for a moment has longer latencies for all calls of that moment.
 */
import { cpuMicros } from "../processes.ts";
import { quantile } from "../result.ts";
import { warmUp } from "./callers.ts";
import { Connection, check, requestBytes, Tally } from "./connection.ts";
import { watchLag } from "./gauges.ts";
import { type Job, type Outcome, only } from "./job.ts";

/** How late the generator's own timer may be, in milliseconds. */
const TICK_MS = 1;

export async function open(job: Job): Promise<Outcome> {
  const target = only(job);
  const tally = new Tally();
  const request = requestBytes(target, job.body);
  await warmUp(target, job.warmUpBody);
  const idle = await Promise.all(Array.from({ length: job.callers }, () => Connection.open(target, tally)));
  const latenciesMs: number[] = [];
  const call = async (meantMs: number): Promise<void> => {
    let connection = idle.pop();
    while (connection?.isOpen === false) connection = idle.pop();
    connection ??= await Connection.open(target, tally);
    const answer = await connection.ask(request);
    check(target, target.expect, answer);
    latenciesMs.push(answer.endedMs - meantMs);
    idle.push(connection);
  };

  const begunMs = performance.now();
  const calls: Promise<void>[] = [];
  const wrong = Promise.withResolvers<never>();
  const lag = watchLag(target);
  const cpuBefore = cpuMicros(target.pids);
  for (let at = 0; ; at++) {
    const meantMs = begunMs + (at * 1_000) / job.perSecond;
    if (meantMs >= begunMs + job.countMs) break;
    while (performance.now() < meantMs) await Promise.race([Bun.sleep(TICK_MS), wrong.promise]);
    const one = call(meantMs);
    one.catch(wrong.reject);
    calls.push(one);
  }
  const used = cpuMicros(target.pids) - cpuBefore;
  await Promise.all(calls);
  for (const connection of idle) connection.leave();
  const elapsedMs = performance.now() - begunMs;
  return {
    measures: {
      [target.name]: {
        ...(target.pids.length === 0 ? {} : { cpuMicros: used / latenciesMs.length }),
        requestsPerSecond: (latenciesMs.length / elapsedMs) * 1_000,
        p50Ms: quantile(latenciesMs, 0.5),
        p99Ms: quantile(latenciesMs, 0.99),
        ...(await lag.most()),
      },
    },
    calls: tally.calls,
  };
}
