/**
 * One of several processes on one Redis, started by exactness.test.ts. It sends bursts across the edges of windows, and single calls between them; each admitted
 * call is settled after a while to less than it reserved. Prints one line of JSON: what it asked for, and how it was answered.
 *
 * Arguments: URL, window in ms, seed, when to begin and when to end (ms since 1970).
 */

import { RedisStore } from "../../../src/limiter/redis.ts";
import { CODE } from "../../../src/limiter/store.ts";
import { connectRedis } from "../../../src/redis/connect.ts";
import { pause } from "../../support/waits.ts";
import { connected, randomFrom, settings } from "./fixture.ts";

/** One call: when it was sent and answered (ms since 1970, fractions), the code and the tick of the answer, and the tokens that it used in the end. */
export type Told = [pair: number, sentMs: number, answeredMs: number, code: number, tick: number, usedTokens: number, askedTokens: number];

export const RPM = 500;
export const TPM = 60_000;

async function main(url: string, windowMs: number, seed: number, beginMs: number, endMs: number): Promise<void> {
  const random = randomFrom(seed);
  const store = new RedisStore({ client: await connected(connectRedis(settings(url))), timeoutMs: 2000, windowMs });
  const told: Told[] = [];
  const nowMs = (): number => performance.timeOrigin + performance.now();

  // Pair 0 reaches its limit of requests first, pair 1 its limit of tokens.
  const call = async (pair: number): Promise<void> => {
    const tokens = pair === 0 ? 10 : 100 + Math.floor(random() * 900);
    const sentMs = nowMs();
    const answer = await store.reserve({ key: `exact/${pair}`, rpm: RPM, tpm: TPM, requests: 1, tokens, bound: 0 });
    const line: Told = [pair, sentMs, nowMs(), answer.code, answer.tick, 0, tokens];
    told.push(line);
    if (answer.code !== CODE.admitted) return;
    const used = Math.floor(tokens * (0.2 + 0.8 * random()));
    line[5] = used;
    await pause(random() * 300);
    store.adjust({ key: `exact/${pair}`, tick: answer.tick, requests: 0, tokens: used - tokens, debt: 0 });
  };

  const open: Promise<void>[] = [];
  while (nowMs() < beginMs) await pause(5);
  let edgeMs = beginMs;
  while (nowMs() < endMs) {
    for (let n = 0; n < 120; n++) open.push(call(0), call(1));
    edgeMs += windowMs / 2;
    while (nowMs() < Math.min(endMs, edgeMs + (random() - 0.5) * windowMs * 0.05)) {
      open.push(call(random() < 0.5 ? 0 : 1));
      await pause(4 + random() * 4);
    }
  }
  await Promise.all(open);
  await store.close();
  console.log(JSON.stringify(told));
}

if (import.meta.main) {
  const [url = "", windowMs, seed, beginMs, endMs] = process.argv.slice(2);
  await main(url, Number(windowMs), Number(seed), Number(beginMs), Number(endMs));
}
