/** How several processes begin and end where things go wrong. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { eventually, pause } from "../../support/waits.ts";
import { type RuntimeName, runToEnd, SEPARATE_MS, startWeir, type Weir } from "../../support/weir.ts";
import { Call } from "../client.ts";
import { anthropic, configuration, keyOf } from "../limits/world.ts";
import { goneWhole, isAlive, pidsOf, tellers } from "./world.ts";

const STREAM = JSON.stringify(anthropic.body("[sandbox: tokens=20 pace=50]", { stream: true }));

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const settings = (more: object = {}) => configuration(sandbox, { acme: {} }, { processes: 2, workers: 1, ...more });

function openStream(weir: Weir): Call {
  const headers = { "content-type": "application/json", "x-api-key": keyOf("acme") };
  return new Call(Number(new URL(weir.url).port), { path: anthropic.path, headers, body: STREAM });
}

async function occupy(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`several processes on ${runtime}`, () => {
    test("do not outlive their supervisor: what is open finishes, and the port is free", async () => {
      const weir = await startWeir({ runtime, config: settings() });
      const pids = pidsOf(weir);
      expect(pids).toHaveLength(2);
      const streams = Array.from({ length: 6 }, () => openStream(weir));
      await Promise.all(streams.map((stream) => stream.until((text) => anthropic.streamedText(text) !== "")));
      await weir.stop("SIGKILL");
      expect(pids.every(isAlive)).toBe(true);
      for (const { text } of await Promise.all(streams.map((stream) => stream.answered))) expect(anthropic.isComplete(text)).toBe(true);
      await goneWhole(weir, pids);
    }, 20_000);

    test("do not share a port with strangers, whether those would share it or not", async () => {
      const { server, port } = await occupy();
      const taken = { config: settings({ server: { port } }) };
      const refused = await runToEnd(runtime, taken);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(`port ${port} on 127.0.0.1 is taken`)]);
      await new Promise((resolve) => server.close(resolve));
      const first = await startWeir({ runtime, ...taken });
      try {
        const second = await runToEnd(runtime, taken);
        expect([second.code, second.stderr]).toEqual([1, expect.stringContaining(`port ${port} on 127.0.0.1 is taken`)]);
        const alone = await runToEnd(runtime, { config: settings({ server: { port }, processes: 1 }) });
        expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining(`port ${port} on 127.0.0.1 is taken`)]);
        expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
      } finally {
        await first.stop();
      }
    }, 30_000);
  });
}

describe("several processes", () => {
  test("without Redis say at the start and in /readyz that each counts its limits separately", async () => {
    const weir = await startWeir({ config: settings() });
    try {
      await weir.logged(({ level, message }) => level === "warn" && String(message).includes("may use its limit 2 times"));
      const { limiter } = (await (await fetch(`${weir.adminUrl}/readyz`)).json()) as { limiter: string };
      expect(limiter).toContain("each of the 2 processes has its own");
    } finally {
      await weir.stop();
    }
  }, 20_000);

  test("end at once at a second signal", async () => {
    const weir = await startWeir({ config: settings({ server: { drain_grace: "60s" } }) });
    const pids = pidsOf(weir);
    weir.child.kill("SIGTERM");
    await eventually(() => weir.log().filter(({ message }) => message === "draining").length === 2, "both to drain");
    // Signals that arrive together (a terminal's and npm's) are one.
    await pause(SEPARATE_MS);
    // And not when the grace ends, which outlasts this test.
    expect(await weir.stop("SIGTERM")).toBe(1);
    await goneWhole(weir, pids);
  }, 30_000);

  test("one that is asked to end drains; its replacement has the newest keys, and the others' value of each setting that waits for a restart", async () => {
    const weir = await startWeir({ config: settings() });
    const ask = async (workspace: string) => {
      const body = JSON.stringify(anthropic.body("[sandbox: tokens=1 pace=0]"));
      return await new Call(Number(new URL(weir.url).port), { path: anthropic.path, headers: { "x-api-key": keyOf(workspace) }, body })
        .answered;
    };
    try {
      const [pid = 0] = pidsOf(weir);
      weir.rewrite(configuration(sandbox, { acme: {}, late: {} }, { processes: 2, workers: 3 }));
      await eventually(() => tellers(weir, (line) => Array.isArray(line.waiting_for_restart)).length === 2, "both to have reloaded");
      process.kill(pid, "SIGTERM");
      await weir.logged(({ ended, end }) => ended === 0 && end === 0);
      await eventually(() => pidsOf(weir)[0] !== pid, "another process in its place");
      const ready = (await (await fetch(`${weir.adminUrl}/readyz`)).json()) as object;
      expect(ready).toMatchObject({ gateway: "ok: 2 of 2 processes ready", workers: "1 of 1 running (in each process)" });
      const answered = await Promise.all(Array.from({ length: 20 }, () => ask("late")));
      expect(answered.map(({ status }) => status)).toEqual(answered.map(() => 200));
    } finally {
      expect(await weir.stop()).toBe(0);
    }
  }, 20_000);
});
