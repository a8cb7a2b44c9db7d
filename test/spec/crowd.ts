/** Many streams at once, and a worker that dies among them (design §2, §5, §6). */
import { expect } from "bun:test";
import type { Weir } from "../harness/weir.ts";
import type { Answered } from "./client.ts";
import { DIALECTS, type Spoken } from "./dialects.ts";
import { ADMIN_TOKEN, eventually, type World } from "./world.ts";

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

  world.sentence("a call that has had no byte yet when its worker dies is answered with 503, not left waiting", async () => {
    const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
    const { opened } = world.sandbox.calls.counts;
    const calls = Array.from({ length: 4 }, (_, index) =>
      world.open(dialectOf(index), { stream: index < 2, prompt: "[sandbox: stall]" }, weir),
    );
    await eventually(() => world.sandbox.calls.counts.opened === opened + calls.length, "the calls upstream");
    await endWorker(weir);
    await eventually(async () => (await sum(weir, "weir_worker_restarts_total")) === 1, "the restart");
    await endWorker(weir);
    for (const [index, answered] of (await Promise.all(calls.map((call) => call.answered))).entries()) {
      expect([answered.status, answered.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(dialectOf(index).error(answered.text).message).toContain("try again");
    }
    weir.child.kill("SIGKILL");
  });

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

async function endWorker(weir: Weir): Promise<{ status: number; worker: number }> {
  const answered = await fetch(`${weir.adminUrl}/admin/v1/chaos/worker`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return { status: answered.status, worker: ((await answered.json()) as { worker: number }).worker };
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
