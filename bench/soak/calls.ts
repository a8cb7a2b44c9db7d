/** The kinds of calls in an endurance run, and the right result of each. */
import { gzipSync } from "node:zlib";
import { type Answered, Call } from "../../test/spec/client.ts";
import { anthropic, openai, type Spoken } from "../../test/spec/dialects.ts";
import type { SoakWorld } from "./world.ts";

export interface Kind {
  name: string;
  /** Its share of all calls. */
  weight: number;
  /** Makes one call. Resolves when nothing of the call is open any more, with what was wrong with it; undefined where nothing was. */
  run(world: SoakWorld, pick: (most: number) => number): Promise<string | undefined>;
}

const PATIENCE_MS = 10_000;
/** Some 200 kB for the client: more than the buffers of the sockets hold, so that the upstream has to wait. */
const SLOW_TOKENS = 12_000;
const LARGE_BYTES = 100_000;

interface Asked {
  path?: string;
  key?: string;
  model?: string;
  prompt?: string;
  stream?: boolean;
  packed?: boolean;
}

function ask(
  world: SoakWorld,
  dialect: Spoken,
  { path = dialect.path, key = world.keys.steady, model, prompt = "Hello", stream, packed = false }: Asked,
): Call {
  const body = JSON.stringify(
    dialect.body(prompt, { ...(model === undefined ? {} : { model }), ...(stream === undefined ? {} : { stream }) }),
  );
  return new Call(world.port, {
    path,
    headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...(packed ? { "content-encoding": "gzip" } : {}) },
    body: packed ? gzipSync(body) : body,
  });
}

const dialectOf = (pick: (most: number) => number): Spoken => (pick(2) === 0 ? anthropic : openai);
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function expectStatus({ status, text }: Answered, ...wanted: number[]): string | undefined {
  return wanted.includes(status) ? undefined : `status ${status} and not ${wanted.join(" or ")}: ${text.slice(0, 200)}`;
}

async function whole(call: Call, dialect: Spoken): Promise<string | undefined> {
  const answered = await call.answered;
  return (
    expectStatus(answered, 200) ??
    (dialect.isComplete(answered.text) ? undefined : `a stream that is not complete: ${answered.text.slice(-200)}`)
  );
}

/** Leaves after the first text of the stream. */
async function leave(call: Call, dialect: Spoken): Promise<string | undefined> {
  await call.until((text) => dialect.streamedText(text) !== "", PATIENCE_MS);
  call.leave();
  await call.answered;
  return undefined;
}

export const KINDS: readonly Kind[] = [
  {
    name: "whole answer",
    weight: 20,
    run: async (world, pick) => expectStatus(await ask(world, dialectOf(pick), {}).answered, 200),
  },
  {
    name: "unified answer",
    weight: 4,
    run: async (world) => expectStatus(await ask(world, anthropic, { path: "/api/v1/messages" }).answered, 200),
  },
  {
    name: "stream",
    weight: 20,
    run: (world, pick) => {
      const dialect = dialectOf(pick);
      return whole(ask(world, dialect, { stream: true, prompt: "[sandbox: tokens=30 pace=20]" }), dialect);
    },
  },
  {
    name: "stream that is left in its middle",
    weight: 20,
    run: (world, pick) => {
      const dialect = dialectOf(pick);
      return leave(ask(world, dialect, { stream: true, prompt: "[sandbox: tokens=60 pace=20]" }), dialect);
    },
  },
  {
    name: "call that is left before its answer",
    weight: 4,
    run: async (world, pick) => {
      const call = ask(world, dialectOf(pick), { prompt: "[sandbox: delay ms=1500]" });
      await sleep(50 + pick(200));
      call.leave();
      await call.answered;
      return undefined;
    },
  },
  {
    name: "body that breaks off",
    weight: 3,
    run: async (world, pick) => {
      const path = dialectOf(pick).path;
      const headers = { authorization: `Bearer ${world.keys.steady}` };
      const call = new Call(world.port, { path, headers, body: "{", declaredLength: pick(2) === 0 ? 1_000 : 500_000 });
      await sleep(20 + pick(100));
      call.leave();
      await call.answered;
      return undefined;
    },
  },
  {
    name: "slow reader",
    weight: 2,
    run: async (world, pick) => {
      const dialect = dialectOf(pick);
      const call = ask(world, dialect, { stream: true, prompt: `[sandbox: huge tokens=${SLOW_TOKENS} pace=0]` });
      await call.head;
      call.pause();
      await sleep(300 + pick(700));
      call.resume();
      return await whole(call, dialect);
    },
  },
  {
    name: "failure of the upstream",
    weight: 6,
    run: async (world, pick) => {
      const prompt = ["status=500", "throttle", "overloaded", "hang-up", "malformed", "corrupt"][pick(6)] ?? "";
      const model = pick(2) === 0 ? ("claude-told" as const) : ("gpt-told" as const);
      const dialect = model === "claude-told" ? anthropic : openai;
      return expectStatus(await ask(world, dialect, { model, prompt: `[sandbox: ${prompt}]` }).answered, 429, 500, 502, 503, 529);
    },
  },
  {
    name: "stream that breaks",
    weight: 3,
    run: async (world, pick) => {
      const dialect = dialectOf(pick);
      const model = dialect === anthropic ? "claude-told" : "gpt-told";
      const breaks = ["cut", "corrupt", "exception"][pick(3)];
      const { status, text } = await ask(world, dialect, { model, stream: true, prompt: `[sandbox: tokens=20 ${breaks} after=5]` })
        .answered;
      if (status !== 200) return expectStatus({ status, text } as Answered, 429, 500, 502, 503, 529);
      return dialect.isComplete(text) ? "a broken stream that looks complete" : undefined;
    },
  },
  {
    name: "failing target behind a good one",
    weight: 8,
    run: async (world, pick) => {
      const dialect = dialectOf(pick);
      return expectStatus(await ask(world, dialect, { model: `${dialect.family}-shaky` }).answered, 200, 502);
    },
  },
  {
    name: "weighed call",
    weight: 4,
    run: async (world, pick) =>
      expectStatus(
        await ask(world, dialectOf(pick), { key: world.keys.near, prompt: "weir ".repeat(LARGE_BYTES / 5), packed: pick(2) === 0 })
          .answered,
        200,
        413,
        429,
      ),
  },
  {
    name: "caller at its limit",
    weight: 6,
    run: async (world, pick) => expectStatus(await ask(world, dialectOf(pick), { key: world.keys.limited }).answered, 200, 429),
  },
  {
    name: "count of tokens",
    weight: 4,
    run: async (world) => expectStatus(await ask(world, anthropic, { path: `${anthropic.path}/count_tokens` }).answered, 200),
  },
  {
    name: "refusal",
    weight: 6,
    run: async (world, pick) => {
      const dialect = dialectOf(pick);
      switch (pick(4)) {
        case 0:
          return expectStatus(await ask(world, dialect, { key: "weir_soak_nobody" }).answered, 401);
        case 1:
          return expectStatus(await ask(world, dialect, { model: "nothing" }).answered, 404);
        case 2:
          return expectStatus(await ask(world, dialect, { path: "/nowhere" }).answered, 404);
        default:
          return expectStatus(await ask(world, dialect, { prompt: "x", model: 5 as unknown as string }).answered, 400);
      }
    },
  },
];
