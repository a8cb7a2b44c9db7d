/** Many streams that are open at the same time and send little: how much memory each needs. */
import { rssBytes } from "../processes.ts";
import { warmUp } from "./callers.ts";
import { Connection, requestBytes, Tally } from "./connection.ts";
import { watchLag } from "./gauges.ts";
import { type Job, type Outcome, only } from "./job.ts";

const AT_ONCE = 100;

/** Milliseconds of the warm-up, and of the pause after it. */
const [WARM_UP_MS, REST_MS] = [300, 3_000];

export async function slow(job: Job): Promise<Outcome> {
  const target = only(job);
  // The warm-up is short: it only has to compile the code. A long one would grow the heap so much that thousands of streams fit into it.
  await warmUp(target, job.warmUpBody, Math.min(target.warmUpMs, WARM_UP_MS));
  if (target.warmUpMs > 0) await Bun.sleep(REST_MS);

  const before = rssBytes(target.pids);
  const tally = new Tally();
  const request = requestBytes(target, job.body);
  const streams: Connection[] = [];
  const wrong = Promise.withResolvers<never>();
  const lag = watchLag(target);
  while (streams.length < job.callers) {
    const some = await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, job.callers - streams.length) }, () => Connection.open(target, tally)),
    );
    streams.push(...some);
    const begun = some.map((stream) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.onPiece = (bytes) => {
        if (bytes > 0) resolve();
      };
      stream.ask(request).then((answer) => wrong.reject(new Error(`${target.name}: a stream ended with ${answer.status}`)), wrong.reject);
      return promise;
    });
    await Promise.race([Promise.all(begun), wrong.promise]);
  }
  await Promise.race([Bun.sleep(job.countMs), wrong.promise]);
  const growth = rssBytes(target.pids) - before;
  const measures = {
    streams: streams.length,
    ...(target.pids.length === 0 ? {} : { rssPerStreamBytes: growth / streams.length }),
    ...(await lag.most()),
  };
  for (const stream of streams) stream.leave();
  return { measures: { [target.name]: measures }, calls: tally.calls };
}
