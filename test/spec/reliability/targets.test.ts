/** Targets that die, alone and all together, and come back. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { eventually, freePort } from "../../support/waits.ts";
import type { Weir } from "../../support/weir.ts";
import type { Answered } from "../client.ts";
import { openai } from "../dialects.ts";
import { type Recorder, startRecorder } from "../recorder.ts";
import { expectFailure, World } from "../world.ts";

const world = new World("bun");
beforeAll(() => world.start(), 30_000);
afterAll(() => world.stop());

interface Base {
  upstreams: Record<string, object>;
  models: Record<string, object>;
}

/** A gateway with a model `x` of two targets, at these addresses. */
async function gatewayOf(addresses: readonly string[], model: object = {}): Promise<Weir> {
  const base = world.configuration() as unknown as Base;
  const upstreams = Object.fromEntries(addresses.map((endpoint, nth) => [`up-${nth}`, { ...base.upstreams["azure-eu"], endpoint }]));
  const targets = addresses.map((_, nth) => ({ upstream: `up-${nth}`, model: "gpt-4o", rank: 0 }));
  return await world.another({
    config: {
      ...base,
      upstreams: { ...base.upstreams, ...upstreams },
      models: { ...base.models, x: { affinity: "off", targets, ...model } },
    },
  });
}

const ask = (weir: Weir, stream = false) => world.ask(openai, { stream, more: { model: "x" } }, weir);
const attemptsOf = (answered: Answered) => Number(answered.headers.get("x-weir-attempts"));

async function breakersOf(weir: Weir): Promise<Record<string, number>> {
  const page = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  const found = page.matchAll(/^weir_upstream_breaker_state\{upstream="(up-\d)",model="[^"]*"\} (\d)$/gm);
  return Object.fromEntries([...found].map(([, upstream, state]) => [upstream, Number(state)]));
}

const PER_SECOND = 200;
const [WELL_MS, DEAD_MS, BACK_MS] = [1_000, 3_000, 10_000];
/** After it few calls meet the dead target. */
const NOTICED_MS = 1_000;
const MOST_REPEATED = 0.05;
const [CLOSED, OPEN] = [0, 2];

test("one of two targets killed under 200 calls/s: no call fails, one in twenty at most is tried twice after the first second, and ten seconds after its return it is used again", async () => {
  const first = await startRecorder();
  let second = await startRecorder();
  const { port } = new URL(second.url);
  const weir = await gatewayOf([first.url, second.url]);
  const calls: { begunMs: number; answered: Promise<Answered> }[] = [];
  const startedMs = performance.now();
  const sinceMs = () => performance.now() - startedMs;
  let deadMs = Number.POSITIVE_INFINITY;
  for (let nth = 0; sinceMs() < WELL_MS + DEAD_MS; nth++) {
    while (sinceMs() < (nth * 1_000) / PER_SECOND) await Bun.sleep(1);
    if (deadMs === Number.POSITIVE_INFINITY && sinceMs() > WELL_MS) {
      deadMs = sinceMs();
      second.close();
    }
    calls.push({ begunMs: sinceMs(), answered: ask(weir) });
  }
  const state = (await breakersOf(weir))["up-1"];
  second = await startRecorder(Number(port));
  const backMs = sinceMs();
  await eventually(
    async () => {
      expect((await ask(weir)).status).toBe(200);
      return (await breakersOf(weir))["up-1"] === CLOSED && second.all().length > 0;
    },
    "the target's breaker to close",
    BACK_MS,
  );
  expect(sinceMs() - backMs).toBeLessThan(BACK_MS);
  expect(state).not.toBe(CLOSED);

  const answers = await Promise.all(calls.map(async ({ begunMs, answered }) => ({ begunMs, answer: await answered })));
  // The load was what it says, or the machine was too slow for the test to mean anything.
  expect(answers.length).toBeGreaterThan((0.9 * (PER_SECOND * (WELL_MS + DEAD_MS))) / 1_000);
  expect(answers.filter(({ answer }) => answer.status !== 200).map(({ answer }) => answer.text)).toEqual([]);
  const later = answers.filter(({ begunMs }) => begunMs > deadMs + NOTICED_MS);
  const repeated = later.filter(({ answer }) => attemptsOf(answer) > 1);
  expect(repeated.length).toBeLessThanOrEqual(later.length * MOST_REPEATED);
  first.close();
  second.close();
}, 40_000);

test("all targets dead: each call fails at once, and the first one after a return is answered", async () => {
  const ports = [await freePort(), await freePort()];
  const weir = await gatewayOf(ports.map((port) => `http://127.0.0.1:${port}`));
  for (let nth = 0; nth < 12; nth++) {
    const answered = await ask(weir, nth % 2 === 0);
    expectFailure(openai, answered, "unreachable");
    expect(answered.headMs).toBeLessThan(2_000);
  }
  expect(await breakersOf(weir)).toEqual({ "up-0": OPEN, "up-1": OPEN });
  const back: Recorder[] = [];
  for (const port of ports) back.push(await startRecorder(port));
  expect((await ask(weir)).status).toBe(200);
  for (const recorder of back) recorder.close();
}, 20_000);

describe("a target that resets its connections", () => {
  const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
  const CHUNK = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content: "half" }, finish_reason: null }] })}\n\n`;

  /** Each request that has come is answered by `say`; returns the address. */
  async function peer(say: (socket: Socket) => void): Promise<{ url: string; server: Server }> {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => say(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, server };
  }

  test("before its answer: the next target answers, and no client sees it", async () => {
    const { url, server } = await peer((socket) => socket.resetAndDestroy());
    const good = await startRecorder();
    const weir = await gatewayOf([url, good.url]);
    const answers: Answered[] = [];
    for (let nth = 0; nth < 6; nth++) answers.push(await ask(weir, nth % 2 === 0));
    expect(answers.map(({ status, whole }) => [status, whole])).toEqual(Array(6).fill([200, true]));
    expect(answers.some((answered) => attemptsOf(answered) === 2)).toBe(true);
    server.close();
    good.close();
  });

  test("in the middle of a stream: the client has what came, then an error event, and no second answer", async () => {
    const { url, server } = await peer((socket) => {
      socket.write(HEAD + CHUNK);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    const good = await startRecorder();
    const weir = await gatewayOf([url, good.url], { targets: [0, 1].map((nth) => ({ upstream: `up-${nth}`, model: "gpt-4o" })) });
    const { status, text, whole } = await ask(weir, true);
    expect({ status, whole, text: openai.streamedText(text), isComplete: openai.isComplete(text) }).toEqual({
      status: 200,
      whole: true,
      text: "half",
      isComplete: false,
    });
    expect(openai.streamedError(text)?.message).toBeString();
    expect(good.all()).toEqual([]);
    server.close();
    good.close();
  });
});
