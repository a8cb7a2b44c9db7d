/** Half of the callers leave in the middle of their streams, again and again. Afterwards nothing of their calls may be left. */
import { rssBytes } from "../processes.ts";
import { warmUp } from "./callers.ts";
import { Connection, check, requestBytes, Tally } from "./connection.ts";
import { nothingInFlight } from "./gauges.ts";
import { type Job, type Outcome, only } from "./job.ts";

export async function aborts(job: Job): Promise<Outcome> {
  const target = only(job);
  const tally = new Tally();
  const request = requestBytes(target, job.body);
  const half = target.expect.bytes[0] / 2;
  await warmUp(target, job.warmUpBody);
  let isOver = false;
  let left = 0;

  const leaveHalfway = async (): Promise<void> => {
    const stream = await Connection.open(target, tally);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stream.onPiece = (bytes) => {
      if (bytes < half) return;
      stream.leave();
      resolve();
    };
    stream.ask(request).then(() => reject(new Error(`${target.name}: a stream ended before half of it had come`)), reject);
    await promise;
    left++;
  };
  const stay = async (): Promise<void> => {
    const stream = await Connection.open(target, tally);
    check(target, target.expect, await stream.ask(request));
    stream.leave();
  };
  const calling = Promise.all(
    Array.from({ length: job.callers }, async (_, at) => {
      for (let turn = at; !isOver; turn++) await (turn % 2 === 0 ? leaveHalfway() : stay());
    }),
  );
  // By now all streams have begun, and half of the callers have left once.
  await Promise.race([calling, Bun.sleep(2 * job.paceMs * job.chunks)]);
  const before = rssBytes(target.pids);
  const leftBefore = left;
  await Promise.race([calling, Bun.sleep(job.countMs)]);
  const growth = rssBytes(target.pids) - before;
  const leftCounted = left - leftBefore;
  isOver = true;
  await calling;
  await nothingInFlight(target);
  return {
    measures: { [target.name]: { streams: leftCounted, rssGrowthBytes: growth } },
    calls: tally.calls,
  };
}
