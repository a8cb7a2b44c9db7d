/** How each ending of a call is settled (docs/limits.md, "A call's tokens"). */
import { expect, test } from "bun:test";
import { estimate } from "../../../workers/estimate/estimate.ts";
import { eventually } from "../../support/waits.ts";
import { header } from "./answers.ts";
import { answerLimit, anthropic, type Held, type LimitsWorld, ROOMY, type Spoken, usageOf } from "./world.ts";

/** Reserved for an answer where the client's bound is taken whole. */
const BOUND = 8_000;
/** Tokens of an answer that are sent before it ends in the middle. */
const SENT = 400;
const NOTHING: Held = { requests: 0, tokens: 0 };

export function specifySettlement(world: LimitsWorld, dialect: Spoken): void {
  const { name, family } = dialect;
  const place = (what: string, limits: object = {}) =>
    world.workspace(`${name}-${what}`, { limits: { reserve_output: "max_tokens", ...limits } });
  const whole = place("whole");
  const large = place("large");
  const failing = place("failing");
  const leaving = place("leaving");
  const early = place("early");
  const broken = place("broken");
  const hasty = place("hasty");
  // Two reservations do not fit in it.
  const hurried = place("hurried", { tpm: 3_000 });
  const unlucky = place("unlucky");
  const indebted = place("indebted", { tpm: 3_000 });
  const rejected = place("rejected");
  const stubborn = place("stubborn", { rpm: 20 });
  const learning = world.workspace(`${name}-learning`);
  const more = answerLimit(dialect, BOUND);

  for (const stream of [false, true]) {
    const workspace = place(`success-${stream}`);
    test(`a call that succeeds is settled to what it used, however much was reserved (${stream ? "streaming" : "not streaming"})`, async () => {
      const prompt = "[sandbox: tokens=30 pace=0] hello";
      const answered = await world.ask(dialect, workspace, { stream, prompt, more });
      expect(ROOMY.tpm - header(answered, "x-ratelimit-remaining-tokens")).toBeGreaterThan(BOUND);
      const line = await world.logged(answered);
      expect(line.output_tokens).toBeWithin(20, 31);
      await world.holds(dialect, workspace, { requests: 1, tokens: sum(line) });
    });
  }

  test("the next call's headers show the settlement", async () => {
    const ask = () => world.ask(dialect, whole, { prompt: "[sandbox: tokens=30 pace=0] hello", more });
    const first = await ask();
    const { input, output } = usageOf(dialect, first);
    await world.holds(dialect, whole, { requests: 1, tokens: input + output });
    const second = await ask();
    const reserved = ROOMY.tpm - header(second, "x-ratelimit-remaining-tokens") - input - output;
    expect(reserved).toBeWithin(BOUND, BOUND + 200);
  });

  test("who is near the limit and asks again the moment that his answer is there is not refused for what it has given back", async () => {
    for (let nth = 0; nth < 10; nth++) {
      const answered = await world.ask(dialect, hurried, {
        prompt: "[sandbox: tokens=5 pace=0]",
        stream: nth % 2 === 0,
        more: answerLimit(dialect, 2_500),
      });
      expect([nth, answered.status]).toEqual([nth, 200]);
    }
  });

  test("a large body, which a worker weighs, is settled alike", async () => {
    const prompt = `[sandbox: tokens=30 pace=0] ${"weir ".repeat(16_000)}`;
    const answered = await world.ask(dialect, large, { prompt, more });
    expect(answered.status).toBe(200);
    const { input, output } = usageOf(dialect, answered);
    expect(input).toBeGreaterThan(10_000);
    await world.holds(dialect, large, { requests: 1, tokens: input + output });
  });

  const failures: [what: string, directive: string, status: number, model: string][] = [
    ["an upstream that refuses", "status=500", 500, family],
    ["an upstream that has enough", "throttle", 429, family],
    ["an upstream that hangs up", "hang-up", 502, family],
    ["an upstream that talks nonsense", "malformed", 502, family],
    ["an upstream that does not answer in time", "stall", 504, `${family}-hasty`],
  ];
  for (const [what, directive, status, model] of failures) {
    test(`${what} before the first byte: request and tokens are given back`, async () => {
      for (const stream of [false, true]) {
        const answered = await world.ask(dialect, failing, { model, stream, prompt: `[sandbox: ${directive}]`, more });
        expect(answered.status).toBe(status);
        expect(header(answered, "x-ratelimit-remaining-requests")).toBe(ROOMY.rpm - 1);
        await world.holds(dialect, failing, NOTHING, model);
      }
    });
  }

  test("a request that the upstream rejects keeps its place and its estimated input, as at the clouds", async () => {
    const body = JSON.stringify(dialect.body(`[sandbox: too-long] ${"weir ".repeat(400)}`, more));
    // The catalogue knows the tokenizer by the upstream's name of the model, whatever clients call it.
    const weighed = estimate(dialect.name, family, body, dialect === anthropic ? "claude-3" : undefined);
    for (const [nth, stream] of [false, true].entries()) {
      const answered = await world.ask(dialect, rejected, { body: JSON.stringify({ ...JSON.parse(body), stream }) });
      expect(answered.status).toBe(400);
      // What was reserved for the answer is given back.
      await eventually(async () => (await world.held(dialect, rejected)).tokens < BOUND, "the settlement");
      const held = await world.held(dialect, rejected);
      expect(held.requests).toBe(nth + 1);
      // Estimates follow what the upstream has reported of other calls.
      expect(held.tokens / (nth + 1)).toBeWithin(weighed * 0.5, weighed * 2);
      expect(await world.logged(answered)).toMatchObject({ outcome: "upstream_rejected", input_tokens: 0, output_tokens: 0 });
    }
  });

  test("who sends nothing but requests that the upstream rejects is held to the requests per minute", async () => {
    const statuses: number[] = [];
    for (let nth = 0; nth < 30; nth++) statuses.push((await world.ask(dialect, stubborn, { prompt: "[sandbox: too-long]" })).status);
    expect(statuses).toEqual([...Array(20).fill(400), ...Array(10).fill(429)]);
  });

  test("a client that leaves in the middle of a stream pays for what was read and written so far", async () => {
    const call = world.open(dialect, leaving, { stream: true, prompt: `[sandbox: tokens=2000 stall after=${SENT} pace=0]`, more });
    await call.until((text) => dialect.streamedText(text).length > 3 * SENT);
    call.leave();
    const line = await world.loggedOutcome(leaving, "cancelled");
    expectPartOf(line);
    await world.holds(dialect, leaving, { requests: 1, tokens: sum(line) });
  });

  test("a client that leaves before the first byte pays for what was read", async () => {
    const { opened } = world.sandbox.calls.counts;
    for (const stream of [true, false]) {
      const call = world.open(dialect, early, { stream, prompt: "[sandbox: stall] hello", more });
      await eventually(() => world.sandbox.calls.counts.opened > opened + (stream ? 0 : 1), "the call upstream");
      call.leave();
      const line = await world.weir.logged((each) => each.workspace === early && each.outcome === "cancelled" && each.stream === stream);
      expect(line.output_tokens).toBe(0);
      expect(line.input_tokens).toBeWithin(5, 60);
    }
    const held = await world.held(dialect, early);
    expect(held.requests).toBe(2);
    expect(held.tokens).toBeWithin(10, 120);
  });

  for (const [directive, outcome] of [
    ["cut", "upstream_malformed"],
    ["truncate", "upstream_malformed"],
    ["corrupt", "upstream_malformed"],
    ["exception", undefined],
  ] as const) {
    test(`a stream that breaks (${directive}) is settled to what was counted of it`, async () => {
      const before = await world.held(dialect, broken);
      const prompt = `[sandbox: tokens=2000 ${directive} after=${SENT} pace=0]`;
      const answered = await world.ask(dialect, broken, { stream: true, prompt, more });
      expect(answered.status).toBe(200);
      expect(dialect.streamedError(answered.text)).toBeDefined();
      const line = await world.logged(answered);
      if (outcome !== undefined) expect(line.outcome).toBe(outcome);
      expectPartOf(line);
      await world.holds(dialect, broken, { requests: before.requests + 1, tokens: before.tokens + sum(line) });
    });
  }

  test("a stream that falls silent is settled to what was counted of it", async () => {
    const model = `${family}-hasty`;
    const prompt = `[sandbox: tokens=2000 stall after=${SENT} pace=0]`;
    const answered = await world.ask(dialect, broken, { model, stream: true, prompt, more });
    const line = await world.logged(answered);
    expect(line.outcome).toBe("upstream_timeout");
    expectPartOf(line);
    await world.holds(dialect, broken, { requests: 1, tokens: sum(line) }, model);
  });

  for (const [length, bound, sent] of [
    ["shorter", BOUND, SENT],
    ["longer", 50, 1_500],
  ] as const) {
    const crashed = place(`crashed-${length}`);
    test(`a worker that dies in the middle of an answer ${length} than its reservation: it is settled by what the client was given`, async () => {
      const taught = await world.ask(dialect, crashed, { stream: true, prompt: `[sandbox: tokens=${SENT} pace=0]`, more });
      const tokens = sum(await world.logged(taught));
      await world.holds(dialect, crashed, { requests: 1, tokens });
      const prompt = `[sandbox: huge tokens=2000 stall after=${sent} pace=0]`;
      const call = world.open(dialect, crashed, { stream: true, prompt, more: answerLimit(dialect, bound) });
      await call.until((text) => text.length > 0.95 * (sent / SENT) * taught.text.length);
      await world.crashWorker();
      const answered = await call.answered;
      expect(dialect.streamedError(answered.text)).toBeDefined();
      const line = await world.logged(answered);
      expect(line.outcome).toBe("worker_lost");
      expect(line.output_tokens).toBeWithin(sent * 0.85, sent * 1.15);
      await world.holds(dialect, crashed, { requests: 2, tokens: tokens + sum(line) });
    });
  }

  test("a call whose client sets a deadline keeps its request and its input, so that short deadlines are no way around the limits", async () => {
    const answered = await world.ask(dialect, hasty, { prompt: "[sandbox: stall]", more, headers: { "x-weir-timeout": "200ms" } });
    expect(answered.status).toBe(504);
    const line = await world.logged(answered);
    expect([line.outcome, line.output_tokens]).toEqual(["deadline_exceeded", 0]);
    expect(line.input_tokens).toBeGreaterThan(0);
    await world.holds(dialect, hasty, { requests: 1, tokens: sum(line) });
  });

  test("a worker that dies before the first byte: request and tokens are given back", async () => {
    const { opened } = world.sandbox.calls.counts;
    const call = world.open(dialect, unlucky, { prompt: "[sandbox: stall]", more });
    await eventually(() => world.sandbox.calls.counts.opened > opened, "the call upstream");
    expect((await world.held(dialect, unlucky)).requests).toBe(1);
    // The first time another worker takes it.
    for (let loss = 1; loss <= 2; loss++) {
      const before = world.sandbox.calls.counts.opened;
      await world.crashWorker();
      if (loss === 1) await eventually(() => world.sandbox.calls.counts.opened > before, "the call upstream once more");
    }
    expect((await call.answered).status).toBe(503);
    await world.holds(dialect, unlucky, NOTHING);
  });

  test("an answer longer than its reservation is debt: it counts, keeps later calls out, and shows in a metric", async () => {
    const labels = { model: family };
    const debtBefore = await world.metric("weir_token_debt_total", labels);
    const answered = await world.ask(dialect, indebted, { prompt: "[sandbox: huge tokens=3500 pace=0]", more: answerLimit(dialect, 50) });
    expect(answered.status).toBe(200);
    const { input, output } = usageOf(dialect, answered);
    expect(output).toBeGreaterThan(3_000);
    const reserved = 3_000 - header(answered, "x-ratelimit-remaining-tokens");
    // More than the whole limit is in use, so nothing is left, and not less.
    await eventually(async () => (await world.held(dialect, indebted)).tokens === 3_000, "the answer to count");
    const refused = await world.ask(dialect, indebted, { more: answerLimit(dialect, 1) });
    expect(refused.status).toBe(429);
    expect(dialect.error(refused.text).message).toContain(`used ${input + output}, requested`);
    const debt = (await world.metric("weir_token_debt_total", labels)) - debtBefore;
    // The guess may have been corrected meanwhile, by the few tokens that this prompt has.
    expect(debt).toBeWithin(input + output - reserved - 60, input + output - reserved + 60);
  });

  test("what recent answers came to is what the next one is expected to be, within the client's own bound", async () => {
    const ask = async (bound: Record<string, unknown>, tokens: number) => {
      const before = await world.held(dialect, learning);
      const answered = await world.ask(dialect, learning, { prompt: `[sandbox: tokens=${tokens} pace=0]`, more: bound });
      expect(answered.status).toBe(200);
      const { input, output } = usageOf(dialect, answered);
      await world.holds(dialect, learning, { requests: before.requests + 1, tokens: before.tokens + input + output });
      return { reserved: ROOMY.tpm - before.tokens - header(answered, "x-ratelimit-remaining-tokens"), output };
    };
    const first = await ask(more, 1_500);
    expect(first.reserved).toBeWithin(256, 320);
    expect(first.output).toBeGreaterThan(1_000);
    // The percentile errs upwards by up to 9 %.
    expect((await ask(more, 10)).reserved).toBeWithin(first.output, first.output * 1.1 + 64);
    expect((await ask(answerLimit(dialect, 300), 10)).reserved).toBeWithin(300, 364);
  });

  if (dialect === anthropic) specifyCache(world);
}

function specifyCache(world: LimitsWorld): void {
  const free = world.workspace("cache-free");
  const weighed = world.workspace("cache-weighed", { limits: { cache_read_weight: 0.5 } });
  // Each has another prefix, so that they do not share a cache.
  const system = (workspace: string) => [
    { type: "text", text: `${workspace} ${"weir ".repeat(600)}`, cache_control: { type: "ephemeral" } },
  ];

  test("writing a prompt cache counts, reading it weighs nothing, or `cache_read_weight`", async () => {
    const model = "claude-caching";
    for (const [workspace, weight] of [
      [free, 0],
      [weighed, 0.5],
    ] as const) {
      const question = { model, prompt: "[sandbox: tokens=10 pace=0]", more: { system: system(workspace) } };
      const ask = () => world.ask(anthropic, workspace, question);
      const wrote = usageOf(anthropic, await ask());
      expect(wrote.cacheWrite).toBeGreaterThan(500);
      const first = wrote.input + wrote.cacheWrite + wrote.output;
      await world.holds(anthropic, workspace, { requests: 1, tokens: first }, model);
      const read = usageOf(anthropic, await ask());
      expect(read.cacheRead).toBe(wrote.cacheWrite);
      const second = Math.round(read.input + read.output + read.cacheRead * weight);
      await world.holds(anthropic, workspace, { requests: 2, tokens: first + second }, model);
    }
  });
}

function sum(line: Record<string, unknown>): number {
  return Number(line.input_tokens) + Number(line.output_tokens);
}

/** Neither nothing nor the whole reservation: what was sent, as nearly as bytes tell. */
function expectPartOf(line: Record<string, unknown>): void {
  expect(line.output_tokens).toBeWithin(SENT * 0.7, SENT * 1.4);
  expect(line.input_tokens).toBeWithin(5, 60);
}
