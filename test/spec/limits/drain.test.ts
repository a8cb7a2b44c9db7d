/** What a gateway leaves behind in Redis when it goes, as another one sees it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { haveRedis, type RedisServer, startRedis } from "../../support/redis.ts";
import { eventually } from "../../support/waits.ts";
import { header } from "./answers.ts";
import { anthropic, LimitsWorld, ROOMY, usageOf } from "./world.ts";

const LIMITS = { limits: { reserve_output: "max_tokens" } };

describe.skipIf(!haveRedis)("a gateway that goes", () => {
  const going = [0, 1].map(() => new LimitsWorld("bun", { server: { drain_timeout: "200ms" } }));
  const staying = new LimitsWorld("bun");
  const [drained, killed] = going as [LimitsWorld, LimitsWorld];
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
    for (const world of [...going, staying]) for (const name of ["quick", "silent", "streaming"]) world.workspace(name, LIMITS);
    await Promise.all([...going, staying].map((world) => world.start({}, redis.url, "5s")));
  }, 30_000);
  afterAll(async () => {
    for (const world of [...going, staying]) await world.stop();
    await redis.stop();
  });

  test("on SIGTERM settles what has ended, gives back what has not begun, and settles what it had to break off by what the client was given", async () => {
    const silent = drained.open(anthropic, "silent", { prompt: "[sandbox: stall]" });
    const streaming = drained.open(anthropic, "streaming", { stream: true, prompt: "[sandbox: tokens=50 stall after=5 pace=0]" });
    await streaming.until((text) => anthropic.streamedText(text) !== "");
    await eventually(async () => (await staying.held(anthropic, "silent")).requests === 1, "both to be reserved");
    const { tokens } = await staying.held(anthropic, "streaming");
    expect(tokens).toBeWithin(4_096, 4_200);

    const answered = await drained.ask(anthropic, "quick", { prompt: "[sandbox: tokens=10 pace=0]" });
    // At once: the settlement of the call above has not been sent yet.
    expect(await drained.weir.stop("SIGTERM")).toBe(0);
    expect((await silent.answered).status).toBe(503);
    expect((await silent.answered).headers.get("retry-after")).toBe("1");
    expect(anthropic.streamedError((await streaming.answered).text)).toBeDefined();

    const { input, output } = usageOf(anthropic, answered);
    expect(await staying.held(anthropic, "quick")).toEqual({ requests: 1, tokens: input + output });
    expect(await staying.held(anthropic, "silent")).toEqual({ requests: 0, tokens: 0 });
    const settled = await staying.held(anthropic, "streaming");
    expect(settled.requests).toBe(1);
    expect(settled.tokens).toBeWithin(5, 200);
  });

  test("by a crash leaves its reservations to slide out: never less than was used", async () => {
    const before = await staying.held(anthropic, "streaming");
    const streaming = killed.open(anthropic, "streaming", { stream: true, prompt: "[sandbox: tokens=50 stall after=5 pace=0]" });
    await streaming.until((text) => anthropic.streamedText(text) !== "");
    await killed.weir.stop("SIGKILL");
    const answered = await streaming.answered;
    const { requests, tokens } = await staying.held(anthropic, "streaming");
    expect(requests).toBe(before.requests + 1);
    // What was reserved at first, or what the estimate has made of it since.
    const reserved = ROOMY.tpm - before.tokens - header(answered, "x-ratelimit-remaining-tokens");
    expect(tokens - before.tokens).toBeWithin(4_096, reserved + 50);
  });
});
