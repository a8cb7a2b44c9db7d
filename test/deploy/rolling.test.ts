/**
 * A rolling restart, as a Deployment of Kubernetes with one pod more than it needs does it: a new replica is ready before an old one is asked to end,
 * and the next one is begun while the old one still drains. Processes are the pods. Streams are open all the time, and no call may be lost.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { DIALECTS, type Spoken } from "../spec/dialects.ts";
import { configuration, keyOf } from "../spec/limits/world.ts";
import { haveRedis, type RedisServer, startRedis } from "../support/redis.ts";
import { eventually } from "../support/waits.ts";
import { startWeir, type Weir } from "../support/weir.ts";
import { Balancer } from "./balancer.ts";

setDefaultTimeout(60_000);

const REPLICAS = 3;
/** `npm run verify:deploy` has 200. */
const STREAMS = Number(process.env.WEIR_TEST_STREAMS ?? 60);
/** A stream of one second; every tenth stream lasts for four seconds, longer than it takes to replace a replica. */
const SHORT = "[sandbox: tokens=5 pace=200]";
const LONG = "[sandbox: tokens=20 pace=200]";

interface Load {
  ended: number;
  lost: string[];
  open: number;
  stop(): Promise<void>;
}

describe.skipIf(!haveRedis)(`${REPLICAS} replicas behind a balancer`, () => {
  let sandbox: Sandbox;
  let redis: RedisServer;
  let balancer: Balancer;
  const started: Weir[] = [];
  beforeAll(async () => {
    [sandbox, redis, balancer] = await Promise.all([startSandbox(), startRedis(), Balancer.start()]);
  });
  afterAll(async () => {
    await balancer.stop();
    for (const weir of started) await weir.stop("SIGKILL");
    await redis.stop();
    await sandbox.close();
  });

  async function replica(): Promise<Weir> {
    const limits = { rpm: 1_000_000, tpm: 1_000_000_000 };
    const weir = await startWeir({
      config: configuration(
        sandbox,
        { acme: {} },
        {
          limits,
          workers: 1,
          redis: { url: redis.url, timeout: "1s" },
          server: { drain_grace: "1s", drain_timeout: "30s" },
        },
      ),
    });
    started.push(weir);
    balancer.add(weir.url);
    await eventually(() => balancer.countsOf(weir.url).isReady, "the balancer to send calls to the new replica");
    return weir;
  }

  /** @returns why the call is lost, or nothing */
  async function ask(dialect: Spoken, prompt: string): Promise<string | undefined> {
    const answer = await fetch(balancer.url + dialect.path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keyOf("acme")}` },
      body: JSON.stringify(dialect.body(prompt, { stream: true, max_tokens: 50 })),
    });
    const text = await answer.text();
    if (answer.status === 200 && dialect.isComplete(text) && dialect.streamedError(text) === undefined) return undefined;
    return `${answer.status} ${text.slice(-200)}`;
  }

  function keepStreaming(): Load {
    let running = true;
    const load: Load = { ended: 0, lost: [], open: 0, stop: async () => {} };
    const loop = async (at: number) => {
      while (running) {
        load.open += 1;
        const dialect = DIALECTS[at % DIALECTS.length];
        if (dialect === undefined) throw new Error("there is a dialect for each");
        const why = await ask(dialect, at % 10 === 0 ? LONG : SHORT).catch((thrown: Error) => thrown.message);
        load.open -= 1;
        load.ended += 1;
        if (why !== undefined) load.lost.push(why);
      }
    };
    const loops = Array.from({ length: STREAMS }, (_, at) => loop(at));
    load.stop = async () => {
      running = false;
      await Promise.all(loops);
    };
    return load;
  }

  test(`are replaced one after the other under ${STREAMS} streams, and no call is lost`, async () => {
    const old = await Promise.all(Array.from({ length: REPLICAS }, replica));
    const load = keepStreaming();
    const isUnderWay = () => load.ended >= STREAMS && old.every(({ url }) => balancer.countsOf(url).open > STREAMS / REPLICAS / 2);
    await eventually(isUnderWay, "each replica to have its share of the streams");
    const beganMs = performance.now();
    const codes: Promise<number | null>[] = [];
    const openAtTheirEnd: number[] = [];
    const fresh: Weir[] = [];
    for (const weir of old) {
      fresh.push(await replica());
      openAtTheirEnd.push(balancer.countsOf(weir.url).open);
      codes.push(weir.stop("SIGTERM"));
    }
    const ended = await Promise.all(codes);
    const tookMs = Math.round(performance.now() - beganMs);
    const takenBefore = fresh.map(({ url }) => balancer.countsOf(url).taken);
    await eventually(
      () => fresh.every(({ url }, at) => balancer.countsOf(url).taken > (takenBefore[at] ?? 0) + 10),
      "calls at the new ones",
    );
    await load.stop();
    console.log(
      `${REPLICAS} replicas in ${tookMs} ms, with ${openAtTheirEnd.join(", ")} streams open at the signals; ${load.ended} calls in all`,
    );
    expect(load.lost.slice(0, 5)).toEqual([]);
    expect(ended).toEqual(old.map(() => 0));
    expect(Math.min(...openAtTheirEnd)).toBeGreaterThan(0);
    for (const weir of fresh) expect(weir.log().filter(({ level }) => level === "error")).toEqual([]);
  });
});
