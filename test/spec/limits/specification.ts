/** Limits as clients see them, through a gateway in another process. The same on both runtimes and with both stores. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { estimate } from "../../../workers/estimate/estimate.ts";
import { haveRedis, type RedisServer, startRedis } from "../../support/redis.ts";
import { eventually } from "../../support/waits.ts";
import type { RuntimeName } from "../../support/weir.ts";
import type { Answered } from "../client.ts";
import { durationMs, header } from "./answers.ts";
import { specifySettlement } from "./settlement.ts";
import { answerLimit, anthropic, DIALECTS, LimitsWorld, openai, ROOMY, type Spoken, usageOf } from "./world.ts";

/** Tokens per byte that are guessed before anything was learned (`admission.ts`). */
const FIRST_DENSITY = 0.33;
/** Expected of an answer before anything was learned. */
const LEAST_OUTPUT = 256;

export function specifyLimits(runtime: RuntimeName, store: "memory" | "redis"): void {
  describe.skipIf(store === "redis" && !haveRedis)(`limits on ${runtime}, kept in ${store}`, () => {
    const world = new LimitsWorld(runtime);
    let redis: RedisServer | undefined;
    beforeAll(async () => {
      if (store === "redis") redis = await startRedis();
      // A window is read by asking for too much. Past the deadline it would be this process's own window, which holds nothing: on a busy machine
      // 50 ms are not enough to tell (`outage.test.ts` has what happens then).
      await world.start({}, redis?.url, "5s");
    }, 30_000);
    afterAll(async () => {
      await world.stop();
      await redis?.stop();
    });

    const slow = world.workspace("slow");
    test.skipIf(store !== "redis")("what the windows hold is read from Redis, also while it is slow", async () => {
      await world.ask(anthropic, slow, { prompt: "[sandbox: tokens=30 pace=0] hello" });
      const held = await world.held(anthropic, slow);
      redis?.freeze();
      const reading = world.held(anthropic, slow);
      await Bun.sleep(150);
      redis?.thaw();
      expect((await reading).requests).toBe(1);
      expect(held.requests).toBe(1);
    });

    for (const dialect of DIALECTS) {
      describe(`${dialect.name}: headers and refusals`, () => specifyWire(world, dialect));
      describe(`${dialect.name}: settlement`, () => specifySettlement(world, dialect));
    }
    describe("which limit", () => specifyPlaces(world));
    describe("weighing", () => specifyWeighing(world));
    describe("what metrics and log say of it", () => specifyTelling(world));
    describe("token counts", () => specifyCounts(world));
  });
}

function specifyWire(world: LimitsWorld, dialect: Spoken): void {
  const name = dialect.name;
  const free = world.workspace(`${name}-free`);
  const three = world.workspace(`${name}-three`, { limits: { rpm: 3 } });
  const one = world.workspace(`${name}-one`, { limits: { rpm: 1 } });
  const small = world.workspace(`${name}-small`, { limits: { tpm: 1_000 } });

  test("an answer says what the limits are, what is left after this reservation, and when the windows will be empty", async () => {
    for (const [nth, stream] of [false, true].entries()) {
      const answered = await world.ask(dialect, free, { stream, prompt: "[sandbox: pace=0] hello", more: answerLimit(dialect, 100) });
      expect(answered.status).toBe(200);
      expectHeaders(dialect, answered, ROOMY);
      expect(header(answered, "x-ratelimit-remaining-requests")).toBe(ROOMY.rpm - nth - 1);
      expect(header(answered, "x-ratelimit-remaining-tokens")).toBeLessThan(ROOMY.tpm);
      expect(durationMs(answered.headers.get("x-ratelimit-reset-requests"))).toBeWithin(59_000, 60_201);
      expect(answered.headers.has("retry-after")).toBe(false);
    }
  });

  test("over the requests per minute: 429 in the dialect, with which limit, used, requested and when", async () => {
    const startedMs = performance.now();
    for (let nth = 1; nth <= 3; nth++) expect((await world.ask(dialect, three, { prompt: "[sandbox: pace=0] hello" })).status).toBe(200);
    const refused = await world.ask(dialect, three);
    const elapsedMs = performance.now() - startedMs;
    expect(refused.status).toBe(429);
    const { type, message, code } = dialect.error(refused.text);
    expect(message).toMatch(
      new RegExp(
        `^Rate limit of 3 requests per minute reached for ${dialect.family} in workspace ${three}: used 3, requested 1\\. Please try again in \\S+s\\.$`,
      ),
    );
    if (dialect === openai) expect({ type, code }).toEqual({ type: "requests", code: "rate_limit_exceeded" });
    else expect(type).toBe("rate_limit_error");
    expectHeaders(dialect, refused, { rpm: 3, tpm: ROOMY.tpm });
    expect(header(refused, "x-ratelimit-remaining-requests")).toBe(0);
    // The first call slides out a minute after it came, 100 ms later at most; a client that reads more than 59 s would not wait.
    const told = durationMs(/try again in (\S+)\.$/.exec(message)?.[1]);
    expect(told).toBeWithin(60_000 - elapsedMs - 10, 60_202);
    expectRetryAfter(refused, told);
  });

  test("a refused request takes nothing, however often it comes", async () => {
    const { input, output } = usageOf(dialect, await world.ask(dialect, one));
    const used = { requests: 1, tokens: input + output };
    await world.holds(dialect, one, used);
    const refused = await Promise.all(Array.from({ length: 20 }, () => world.ask(dialect, one)));
    expect(refused.map(({ status }) => status)).toEqual(Array(20).fill(429));
    expect(await world.held(dialect, one)).toEqual(used);
  });

  test("over the tokens per minute: 429, and what was asked for fits the message", async () => {
    const prompt = `[sandbox: tokens=500 pace=0] ${"weir ".repeat(60)}`;
    const { input, output } = usageOf(dialect, await world.ask(dialect, small, { prompt }));
    await world.holds(dialect, small, { requests: 1, tokens: input + output });
    const refused = await world.ask(dialect, small, { prompt: "weir ".repeat(400) });
    expect(refused.status).toBe(429);
    const { type, message } = dialect.error(refused.text);
    const [, used, requested, when] =
      /^Rate limit of 1000 tokens per minute reached for \w+ in workspace \S+: used (\d+), requested (\d+)\. Please try again in (\S+)\.$/.exec(
        message,
      ) ?? [];
    expect(Number(used)).toBe(input + output);
    expect(Number(used) + Number(requested)).toBeGreaterThan(1_000);
    expect(header(refused, "x-ratelimit-remaining-tokens")).toBe(1_000 - Number(used));
    expect(type).toBe(dialect === openai ? "tokens" : "rate_limit_error");
    expectHeaders(dialect, refused, { rpm: ROOMY.rpm, tpm: 1_000 });
    expectRetryAfter(refused, durationMs(when));
  });

  test("an input that alone is larger than the tokens per minute is a 413 that says so, takes nothing and asks for no other try", async () => {
    const before = await world.held(dialect, free);
    for (const words of [30_000, 90_000]) {
      const answered = await world.ask(dialect, free, { prompt: "a1 ".repeat(words) });
      expect(answered.status).toBe(413);
      expect(dialect.error(answered.text).message).toMatch(
        /about \d+ tokens, more than the limit of 40000 tokens per minute .* can never pass/,
      );
      expect(answered.headers.has("retry-after")).toBe(false);
      expectHeaders(dialect, answered, ROOMY);
    }
    expect(await world.held(dialect, free)).toEqual(before);
  });

  test("models, health and what is refused before the limiter take nothing, and say nothing of limits", async () => {
    const before = await world.held(dialect, free);
    const models = dialect.path.replace(dialect.route, "/v1/models");
    const others = [
      await world.get(models, free),
      await world.get(`${models}/${dialect.family}`, free),
      await world.get("/healthz", free),
      await world.get("/readyz", free),
      await world.ask(dialect, free, { model: "nobody" }),
      await world.ask(dialect, free, { more: { temperature: "warm" } }),
    ];
    // The gateway is not ready for a minute where the sentences before have lost several workers.
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, expect.any(Number), 404, 400]);
    for (const { headers } of others) expect([...headers.keys()].filter((header) => header.includes("ratelimit"))).toEqual([]);
    expect(await world.held(dialect, free)).toEqual(before);
  });
}

function specifyPlaces(world: LimitsWorld): void {
  const general = world.workspace("general");
  const own = world.workspace("own", {
    limits: { rpm: 33 },
    models: { gpt: { limits: { tpm: 14_000 } }, "gpt-limited": { limits: { rpm: 44 } } },
  });
  const shared = world.workspace("shared");
  const neighbour = world.workspace("neighbour");

  test("each limit is taken from the most specific place that sets it: workspace and model, workspace, model, global", async () => {
    const limits = async (workspace: string, model: string) => {
      const answered = await world.ask(openai, workspace, { model });
      return [header(answered, "x-ratelimit-limit-requests"), header(answered, "x-ratelimit-limit-tokens")];
    };
    expect(await limits(general, "gpt")).toEqual([ROOMY.rpm, ROOMY.tpm]);
    expect(await limits(general, "gpt-limited")).toEqual([22, 22_000]);
    expect(await limits(own, "gpt")).toEqual([33, 14_000]);
    expect(await limits(own, "gpt-limited")).toEqual([44, 22_000]);
    expect(await limits(own, "gpt-exact")).toEqual([33, ROOMY.tpm]);
  });

  test("one window per workspace and model: all routes and regions share it, other models and workspaces have their own", async () => {
    const paths = [
      "/anthropic/eu/v1/messages",
      "/anthropic/us/v1/messages",
      "/api/anthropic/v1/messages",
      "/api/public/anthropic/us/v1/messages",
    ];
    const left: number[] = [];
    for (const path of paths) left.push(header(await world.ask(anthropic, shared, { path }), "x-ratelimit-remaining-requests"));
    expect(left).toEqual(paths.map((_, nth) => ROOMY.rpm - 1 - nth));
    expect(header(await world.ask(openai, shared), "x-ratelimit-remaining-requests")).toBe(ROOMY.rpm - 1);
    expect(header(await world.ask(anthropic, shared, { model: "claude-hasty" }), "x-ratelimit-remaining-requests")).toBe(ROOMY.rpm - 1);
    expect(header(await world.ask(anthropic, neighbour), "x-ratelimit-remaining-requests")).toBe(ROOMY.rpm - 1);
  });
}

function specifyWeighing(world: LimitsWorld): void {
  const roomy = world.workspace("weigh-roomy");
  const tight = world.workspace("weigh-tight", { limits: { tpm: 1_900 } });
  const exact = world.workspace("weigh-exact");
  const prompt = "[sandbox: tokens=3 pace=0] 日本語の長い文章。".repeat(40);

  test("far below the limit a guess is reserved in one trip; near it the worker's estimate decides", async () => {
    for (const dialect of DIALECTS) {
      const body = JSON.stringify(dialect.body(prompt));
      const bytes = Buffer.byteLength(body);
      const reserved = async (workspace: string, tpm: number) =>
        tpm - header(await world.ask(dialect, workspace, { body }), "x-ratelimit-remaining-tokens");
      expect(await reserved(roomy, ROOMY.tpm)).toBe(Math.ceil(bytes * FIRST_DENSITY) + LEAST_OUTPUT);
      expect(bytes).toBeGreaterThan(1_900);
      // The catalogue knows the tokenizer by the upstream's name of the model, whatever clients call it.
      const family = dialect === anthropic ? "claude-3" : undefined;
      const weighed = estimate(dialect.name, dialect.family, Buffer.from(body).toString("latin1"), family);
      expect(await reserved(tight, 1_900)).toBe(weighed + LEAST_OUTPUT);
    }
  });

  test("`estimate: exact` reserves what the model's own table counts, by its `family` and not by its name", async () => {
    const text = "[sandbox: tokens=3 pace=0] The weir holds the river back; naïve Straßenbahn 日本語 1234567.";
    const counts: number[] = [];
    for (const [model, { countTokens }] of [
      ["gpt-exact", await import("gpt-tokenizer/encoding/o200k_base")],
      ["gpt-exact-old", await import("gpt-tokenizer/encoding/cl100k_base")],
    ] as const) {
      const answered = await world.ask(openai, exact, { model, prompt: text });
      expect(answered.status).toBe(200);
      counts.push(countTokens(text));
      // 3 for the request, 3 and its role for the message.
      expect(ROOMY.tpm - header(answered, "x-ratelimit-remaining-tokens")).toBe(3 + 4 + (counts.at(-1) ?? 0) + LEAST_OUTPUT);
    }
    expect(counts[0]).not.toBe(counts[1]);
  });
}

function specifyTelling(world: LimitsWorld): void {
  const refused = world.workspace("told-refused", { limits: { rpm: 1 } });
  const slow = world.workspace("told-slow");
  const large = world.workspace("told-large");

  for (const dialect of DIALECTS) {
    test(`${dialect.name}: a call that a limit refused never was an attempt, and its line names no upstream`, async () => {
      const attempts = () => world.metric("weir_upstream_attempts_total");
      const before = await attempts();
      expect((await world.ask(dialect, refused, { prompt: "[sandbox: pace=0] hello" })).status).toBe(200);
      await eventually(async () => (await attempts()) === before + 1, "the attempt");
      const questions = [{}, { stream: true }, { prompt: "weir ".repeat(16_000) }];
      for (const question of questions) {
        const answered = await world.ask(dialect, refused, question);
        expect(answered.status).toBe(429);
        const line = await world.logged(answered);
        expect(line).toMatchObject({ outcome: "rate_limited_requests", upstream: "", model: dialect.family });
        expect(line.upstream_model).toBeUndefined();
      }
      expect(await attempts()).toBe(before + 1);
    });
  }

  test("the time that a client takes to send its body is not Weir's own", async () => {
    for (const [workspace, words] of [
      [slow, 10],
      [large, 16_000],
    ] as const) {
      const overhead = () => world.metric("weir_overhead_seconds_sum", { route: "/openai/{region}/v1/chat/completions" });
      const count = () => world.metric("weir_overhead_seconds_count", { route: "/openai/{region}/v1/chat/completions" });
      const [before, countBefore] = [await overhead(), await count()];
      const body = JSON.stringify(openai.body(`[sandbox: pace=0] ${"weir ".repeat(words)}`));
      const call = world.open(openai, workspace, { body, pauseMs: 1_500 });
      expect((await call.answered).status).toBe(200);
      await eventually(async () => (await count()) === countBefore + 1, "the call to be counted");
      expect((await overhead()) - before).toBeLessThan(1);
    }
  });
}

function specifyCounts(world: LimitsWorld): void {
  const counting = world.workspace("counting", { limits: { rpm: 4 } });
  const counted = world.workspace("counted", { limits: { count_rpm: 3 }, models: { "claude-hasty": { limits: { count_rpm: 2 } } } });
  const counts = (workspace: string, change: { model?: string; prompt?: string } = {}) =>
    world.ask(anthropic, workspace, { path: "/anthropic/eu/v1/messages/count_tokens", ...change });
  const statuses = async (workspace: string, times: number, change: { model?: string; prompt?: string } = {}) => {
    const all: number[] = [];
    for (let nth = 0; nth < times; nth++) all.push((await counts(workspace, change)).status);
    return all;
  };

  test("token counts have a window of their own, of as many requests as calls have: neither takes from the other", async () => {
    const first = await counts(counting);
    expect(header(first, "x-ratelimit-limit-requests")).toBe(4);
    expect(header(first, "x-ratelimit-remaining-requests")).toBe(3);
    expect(header(first, "anthropic-ratelimit-requests-remaining")).toBe(3);
    expect([...first.headers.keys()].filter((name) => name.includes("ratelimit") && name.includes("tokens"))).toEqual([]);
    expect(await statuses(counting, 6)).toEqual([200, 200, 200, 429, 429, 429]);
    expect(await world.held(anthropic, counting)).toEqual({ requests: 0, tokens: 0 });
    expect((await world.ask(anthropic, counting, { prompt: "[sandbox: pace=0] hello" })).status).toBe(200);
  });

  test("a count beyond its window is a 429 that says which limit, and when to return; a metric shows it", async () => {
    const before = await world.metric("weir_limiter_decisions_total", { workspace: counted, decision: "counts" });
    expect(await statuses(counted, 3)).toEqual([200, 200, 200]);
    const refused = await counts(counted);
    expect(refused.status).toBe(429);
    const { type, message } = anthropic.error(refused.text);
    expect(type).toBe("rate_limit_error");
    expect(message).toStartWith(`Rate limit of 3 token counts per minute reached for claude in workspace ${counted}: used 3, requested 1.`);
    expect(header(refused, "retry-after")).toBeWithin(50, 60);
    expect(await world.metric("weir_limiter_decisions_total", { workspace: counted, decision: "counts" })).toBe(before + 1);
    expect(await world.metric("weir_limiter_decisions_total", { workspace: counted, decision: "admitted" })).toBe(0);
  });

  test("`count_rpm` is taken from the most specific place, and a large body, which a worker weighs, meets it too", async () => {
    expect(await statuses(counted, 3, { model: "claude-hasty", prompt: "weir ".repeat(16_000) })).toEqual([200, 200, 429]);
  });
}

/** All six names, and Anthropic's own on its routes, agreeing with each other. */
function expectHeaders(dialect: Spoken, answered: Answered, { rpm, tpm }: { rpm: number; tpm: number }): void {
  for (const [unit, limit] of [
    ["requests", rpm],
    ["tokens", tpm],
  ] as const) {
    expect(header(answered, `x-ratelimit-limit-${unit}`)).toBe(limit);
    const remaining = header(answered, `x-ratelimit-remaining-${unit}`);
    expect(remaining).toBeWithin(0, limit + 1);
    const resetMs = durationMs(answered.headers.get(`x-ratelimit-reset-${unit}`));
    const own = (what: string) => answered.headers.get(`anthropic-ratelimit-${unit}-${what}`);
    if (dialect === openai) {
      expect([own("limit"), own("remaining"), own("reset")]).toEqual([undefined, undefined, undefined]);
      continue;
    }
    expect([own("limit"), own("remaining")]).toEqual([String(limit), String(remaining)]);
    expect(own("reset")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(Date.parse(own("reset") ?? "") - Date.now()).toBeWithin(resetMs - 5_000, resetMs + 1_001);
  }
}

function expectRetryAfter(refused: Answered, toldMs: number): void {
  const ms = header(refused, "retry-after-ms");
  expect(ms).toBe(Math.min(59_000, toldMs));
  expect(header(refused, "retry-after")).toBe(Math.ceil(ms / 1_000));
  expect(toldMs).toBeLessThanOrEqual(durationMs(refused.headers.get("x-ratelimit-reset-requests")));
}
