/**
 * One caller that asks all variants in turn, call by call: how much time each adds to the same call to the upstream, and to the bare pass-through.
 * For a stream it is the time to its first byte. Added times are quantiles of the differences within one turn, because what slows the machine then
 * slows both calls.
 */
import { type Measures, quantile } from "../result.ts";
import { warmUp } from "./callers.ts";
import { Connection, check, requestBytes, Tally } from "./connection.ts";
import type { Job, Outcome } from "./job.ts";

export async function pairs(job: Job): Promise<Outcome> {
  const tally = new Tally();
  for (const target of job.targets) await warmUp(target, job.warmUpBody);
  const asked = await Promise.all(
    job.targets.map(async (target) => ({
      target,
      request: requestBytes(target, job.body),
      connection: await Connection.open(target, tally),
      timesMs: [] as number[],
    })),
  );
  const endMs = performance.now() + job.countMs;
  for (let turn = 0; performance.now() < endMs; turn++) {
    for (let at = 0; at < asked.length; at++) {
      const one = asked[(at + turn) % asked.length];
      if (one === undefined) continue;
      const answer = await one.connection.ask(one.request);
      check(one.target, one.target.expect, answer);
      one.timesMs.push((job.chunks > 0 ? answer.firstByteMs : answer.endedMs) - answer.begunMs);
    }
  }
  const timesOf = (name: string) => asked.find(({ target }) => target.name === name)?.timesMs;
  const [direct, bare] = [timesOf("direct"), timesOf("bare")];
  const measures: Record<string, Measures> = {};
  for (const { target, timesMs, connection } of asked) {
    connection.leave();
    const added = (base: number[] | undefined) => timesMs.map((time, turn) => time - (base?.[turn] ?? 0));
    const [p50, p99] = [quantile(timesMs, 0.5), quantile(timesMs, 0.99)];
    measures[target.name] = {
      ...(job.chunks > 0 ? { ttfbP50Ms: p50, ttfbP99Ms: p99 } : { p50Ms: p50, p99Ms: p99 }),
      ...(direct === undefined || direct === timesMs
        ? {}
        : { addedP50Ms: quantile(added(direct), 0.5), addedP99Ms: quantile(added(direct), 0.99) }),
      ...(bare === undefined || bare === timesMs || direct === timesMs
        ? {}
        : { addedToBareP50Ms: quantile(added(bare), 0.5), addedToBareP99Ms: quantile(added(bare), 0.99) }),
    };
  }
  return { measures, calls: tally.calls };
}
