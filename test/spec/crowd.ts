/** Many streams at once, and a worker that dies among them. */
import { expect } from "bun:test";
import { eventually } from "../support/waits.ts";
import type { Weir } from "../support/weir.ts";
import type { Answered } from "./client.ts";
import { DIALECTS, type Spoken } from "./dialects.ts";
import { ADMIN_TOKEN, type World } from "./world.ts";

/** Twice what Bun's own HTTP client would run at once. Some more are opened, since the keep-alive's quiet streams may end meanwhile. */
const CROWD = 500;
const OPENED = CROWD + 10;
/** Long enough for all of them to be open, on a machine that has other things to do. */
const CROWD_PAUSE_MS = 3_000;
const STREAMS = 40;

function textOf(index: number): string {
  return `stream ${index} — ${"é日😀 ".repeat(3 + (index % 40))}end of ${index}`;
}

function dialectOf(index: number): Spoken {
  return DIALECTS[index % DIALECTS.length] as Spoken;
}

export function specifyCrowd(world: World): void {
  world.sentence(
    `${CROWD} streams are all open upstream at the same moment, and each gets every byte of its own answer`,
    async () => {
      const weir = await world.another();
      await eventually(() => world.sandbox.calls.counts.stalled === 0, "the sandbox to be at rest");
      const open = () => world.sandbox.calls.counts.open;
      const atRest = open();
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, open() - atRest);
      }, 5);
      const answers = await Promise.all(
        Array.from({ length: OPENED }, (_, index) =>
          world.ask(
            dialectOf(index),
            { stream: true, prompt: `[sandbox: pace=0 quiet ms=${CROWD_PAUSE_MS} after=2 echo] ${textOf(index)}` },
            weir,
          ),
        ),
      );
      clearInterval(watch);
      expect(most).toBeGreaterThanOrEqual(CROWD);
      const wrong = answers.filter((answered, index) => !isRight(answered, index));
      expect(wrong.map(({ status, text }) => `${status} ${text.slice(-300)}`)).toEqual([]);
      await eventually(async () => (await sum(weir, "weir_worker_streams")) === 0, "the workers to have no calls left");
      weir.child.kill("SIGKILL");
    },
    60_000,
  );
}

export function specifyLostWorkers(world: World): void {
  world.sentence(
    "a worker that dies ends exactly its own streams, each with an error event; the others complete, and the next request is served",
    async () => {
      const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
      const calls = Array.from({ length: STREAMS }, (_, index) =>
        world.open(dialectOf(index), { stream: true, prompt: `[sandbox: pace=0 quiet ms=2000 after=2 echo] ${textOf(index)}` }, weir),
      );
      await Promise.all(calls.map((call, index) => call.until((text) => dialectOf(index).streamedText(text) !== "")));
      const shares = await values(weir, "weir_worker_streams");
      expect([...shares.values()].reduce((one, other) => one + other, 0)).toBe(STREAMS);
      expect([...shares.values()]).toEqual([STREAMS / 2, STREAMS / 2]);

      const { status, worker } = await endWorker(weir);
      expect(status).toBe(200);
      await weir.logged((line) => line.worker === worker && line.level === "error");
      const next = await world.ask(dialectOf(0), { prompt: "are you there?" }, weir);
      expect(next.status).toBe(200);

      const answers = await Promise.all(calls.map((call) => call.answered));
      const lost = answers.filter((answered, index) => !isRight(answered, index));
      expect(lost.length).toBe(shares.get(String(worker)) ?? -1);
      for (const [index, answered] of answers.entries()) {
        if (!lost.includes(answered)) continue;
        const dialect = dialectOf(index);
        expect(answered.whole).toBe(true);
        expect(dialect.isComplete(answered.text)).toBe(false);
        expect(dialect.streamedError(answered.text)?.message).toContain("try again");
        expect(await world.logged(answered, weir)).toMatchObject({ outcome: "worker_lost" });
      }
      expect(await sum(weir, "weir_worker_restarts_total")).toBe(1);
      expect(weir.log().find(({ level, calls: count }) => level === "error" && count === lost.length)).toMatchObject({ worker });
      await eventually(
        async () => JSON.parse(await (await fetch(`${weir.adminUrl}/readyz`)).text()).workers.startsWith("2 of 2"),
        "the replacement to be ready",
      );
      for (let index = 0; index < 4; index++) expect((await world.ask(dialectOf(index), {}, weir)).status).toBe(200);
      weir.child.kill("SIGKILL");
    },
    30_000,
  );

  world.sentence("a call whose worker dies before the first text goes on at another one, large or small, streamed or whole", async () => {
    const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
    // The retry budget is a fifth of all calls.
    await Promise.all(Array.from({ length: 40 }, (_, index) => world.ask(dialectOf(index), {}, weir)));
    const { opened } = world.sandbox.calls.counts;
    const kinds = DIALECTS.flatMap((dialect) =>
      [0, 40_000].flatMap((words) => [true, false].map((stream) => ({ dialect, stream, text: `${"weir ".repeat(words)}the end` }))),
    );
    const calls = kinds.map(({ dialect, stream, text }) =>
      world.open(dialect, { stream, prompt: `[sandbox: delay ms=2500 echo] ${text}` }, weir),
    );
    await eventually(() => world.sandbox.calls.counts.opened === opened + calls.length, "the calls upstream");
    await endWorker(weir);
    const answers = await Promise.all(calls.map((call) => call.answered));
    for (const [index, { dialect, stream, text }] of kinds.entries()) {
      const answered = answers[index] as Answered;
      expect(answered.status).toBe(200);
      // The answer to a long text is cut at its bound.
      expect(text).toStartWith((stream ? dialect.streamedText : dialect.textOf)(answered.text) || "nothing");
      expect((await world.logged(answered, weir)).input_tokens).toBeGreaterThan(text.length / 10);
    }
    const moved = answers.filter(({ headers }) => headers.get("x-weir-attempts") === "2");
    expect(moved.length).toBeGreaterThanOrEqual(calls.length / 2);
    for (const answered of moved) {
      const { tried, outcome } = await world.logged(answered, weir);
      expect([outcome, (tried as { outcome: string }[]).map((one) => one.outcome)]).toEqual(["ok", ["worker_lost", "ok"]]);
    }
    weir.child.kill("SIGKILL");
  });

  world.sentence("a call that loses a second worker before its first text is answered with 503, not left waiting", async () => {
    const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
    const { counts } = world.sandbox.calls;
    for (const [index, stream] of [true, false].entries()) {
      const dialect = dialectOf(index);
      const call = world.open(dialect, { stream, prompt: "[sandbox: stall]" }, weir);
      for (let loss = 1; loss <= 2; loss++) {
        const { opened } = counts;
        if (loss === 1) await eventually(async () => (await sum(weir, "weir_worker_streams")) === 1, "the call in a worker");
        await eventually(async () => (await readiness(weir)).workers.startsWith("2 of 2"), "both workers");
        await endWorker(weir);
        if (loss === 1) await eventually(() => counts.opened > opened, "the call upstream once more");
      }
      const answered = await call.answered;
      expect([answered.status, answered.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(dialect.error(answered.text).message).toContain("try again");
      expect((await world.logged(answered, weir)).attempts).toBe(2);
    }
    weir.child.kill("SIGKILL");
  });

  world.sentence("where there is one worker, a call waits for its successor", async () => {
    const weir = await world.another({ environment: { WEIR_CHAOS: "1" }, config: { ...world.configuration(), workers: 1 } });
    const { opened } = world.sandbox.calls.counts;
    const call = world.open(dialectOf(0), { prompt: "[sandbox: delay ms=500]" }, weir);
    await eventually(() => world.sandbox.calls.counts.opened > opened, "the call upstream");
    await endWorker(weir);
    const answered = await call.answered;
    expect([answered.status, answered.headers.get("x-weir-attempts")]).toEqual([200, "2"]);
    weir.child.kill("SIGKILL");
  });

  world.sentence(
    "a worker that does not answer gets no new calls after two seconds and is replaced after five; its calls without a text go on at another one",
    async () => {
      const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
      const { worker } = await drill(weir, "worker/stall");
      const stuck = Array.from({ length: 4 }, (_, index) => world.open(dialectOf(index), { stream: index < 2 }, weir));
      await eventually(async () => (await readiness(weir)).workers.includes("1 standing still"), "it to be noticed");
      for (let index = 0; index < 4; index++) {
        const { status, headers } = await world.ask(dialectOf(index), {}, weir);
        // At the worker that had it first: the other one would have lost it.
        expect([status, headers.get("x-weir-attempts")]).toEqual([200, "1"]);
      }
      const answers = await Promise.all(stuck.map((call) => call.answered));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
      const attempts = answers.map(({ headers }) => headers.get("x-weir-attempts"));
      expect(attempts.filter((count) => count === "2")).toHaveLength(2);
      const line = await weir.logged((one) => one.level === "error" && one.worker === worker);
      expect(line).toMatchObject({ reason: "no sign of life for 5 s", calls: 2 });
      await eventually(async () => (await readiness(weir)).workers === "2 of 2 running", "the replacement");
      weir.child.kill("SIGKILL");
    },
    20_000,
  );

  world.sentence(
    "where workers die one after the other, the gateway is not ready, says why on the admin port, and goes on serving",
    async () => {
      const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
      for (let death = 1; death <= 3; death++) {
        await eventually(async () => (await endWorker(weir)).status === 200, "a worker to end");
        await eventually(async () => (await sum(weir, "weir_worker_restarts_total")) === death, "its death");
      }
      expect((await fetch(`${weir.url}/readyz`)).status).toBe(503);
      expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(503);
      expect((await readiness(weir)).workers).toContain("3 died within a minute");
      expect((await fetch(`${weir.url}/healthz`)).status).toBe(200);
      for (const dialect of DIALECTS) expect((await world.ask(dialect, {}, weir)).status).toBe(200);
      weir.child.kill("SIGKILL");
    },
  );

  world.sentence("a drill needs the admin token, and WEIR_CHAOS=1", async () => {
    const asked = async (authorization: string) =>
      (await fetch(`${world.weir.adminUrl}/admin/v1/chaos/worker`, { method: "POST", headers: { authorization } })).status;
    expect(await asked("Bearer nonsense")).toBe(401);
    expect(await asked(`Bearer ${ADMIN_TOKEN}`)).toBe(404);
  });
}

function isRight(answered: Answered, index: number): boolean {
  const dialect = dialectOf(index);
  return (
    answered.status === 200 && answered.whole && dialect.isComplete(answered.text) && dialect.streamedText(answered.text) === textOf(index)
  );
}

function endWorker(weir: Weir): Promise<{ status: number; worker: number }> {
  return drill(weir, "worker");
}

async function drill(weir: Weir, what: string): Promise<{ status: number; worker: number }> {
  const answered = await fetch(`${weir.adminUrl}/admin/v1/chaos/${what}`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return { status: answered.status, worker: ((await answered.json()) as { worker: number }).worker };
}

async function readiness(weir: Weir): Promise<{ workers: string }> {
  return (await (await fetch(`${weir.adminUrl}/readyz`)).json()) as { workers: string };
}

/** A metric's samples, by their first label's value; "" where it has none. */
async function values(weir: Weir, name: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return new Map(lines.map((line) => [/"([^"]*)"/.exec(line)?.[1] ?? "", Number(line.split(" ").at(-1))]));
}

async function sum(weir: Weir, name: string): Promise<number> {
  return [...(await values(weir, name)).values()].reduce((one, other) => one + other, 0);
}
