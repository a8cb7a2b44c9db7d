/** So many callers, each with its next call as soon as the last is answered: throughput, and CPU for each request and each chunk. */
import { cpuMicros } from "../processes.ts";
import { quantile } from "../result.ts";
import { Connection, check, requestBytes, Tally } from "./connection.ts";
import type { Job, Outcome } from "./job.ts";

export async function closed(job: Job): Promise<Outcome> {
  const tally = new Tally();
  const measures: Outcome["measures"] = {};
  for (const target of job.targets) {
    const request = requestBytes(target, job.body);
    const connections = await Promise.all(Array.from({ length: job.callers }, () => Connection.open(target, tally)));
    const latenciesMs: number[] = [];
    let isOver = false;
    const spreadMs = job.paceMs * job.chunks;
    const callers = connections.map(async (connection, at) => {
      // Streams of one pace that begin together would wake everybody together.
      await Bun.sleep((spreadMs * at) / connections.length);
      while (!isOver) {
        const answer = await connection.ask(request);
        check(target, target.expect, answer);
        if (tally.counting) latenciesMs.push(answer.endedMs - answer.begunMs);
      }
    });
    const done = Promise.all(callers);
    await Promise.race([done, Bun.sleep(job.warmUpMs + spreadMs)]);
    const [cpu, bytes, sinceMs] = [cpuMicros(target.pids), tally.bytes, performance.now()];
    tally.counting = true;
    await Promise.race([done, Bun.sleep(job.countMs)]);
    tally.counting = false;
    const usedMicros = cpuMicros(target.pids) - cpu;
    const elapsedMs = performance.now() - sinceMs;
    const received = tally.bytes - bytes;
    isOver = true;
    await done;
    for (const connection of connections) connection.leave();

    const [least, most] = target.expect.bytes;
    const answers = received / ((least + most) / 2);
    measures[target.name] = {
      requestsPerSecond: (answers / elapsedMs) * 1_000,
      ...(job.paceMs > 0 ? {} : { p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99) }),
      ...(job.paceMs > 0 ? { gapP50Ms: quantile(tally.gapsMs, 0.5), gapP99Ms: quantile(tally.gapsMs, 0.99) } : {}),
      ...(target.pids.length === 0
        ? {}
        : { [job.chunks > 0 ? "cpuMicrosPerChunk" : "cpuMicros"]: usedMicros / answers / (job.chunks || 1) }),
    };
  }
  return { measures, calls: tally.calls };
}
