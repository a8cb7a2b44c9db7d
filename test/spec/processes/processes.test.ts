/** `processes: 3`: one public port, one admin listener, one Redis, as clients and operators see them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { haveRedis, type RedisServer, startRedis } from "../../support/redis.ts";
import { eventually } from "../../support/waits.ts";
import type { RuntimeName } from "../../support/weir.ts";
import { anthropic, configuration, LimitsWorld } from "../limits/world.ts";
import { goneWhole, PROCESSES, pidsOf, tellers } from "./world.ts";

const RPM = 60;
const CALLS = 150;
const ADMIN = { authorization: "Bearer limits-admin-token-41d0c2e7" };

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe.skipIf(!haveRedis)(`several processes on ${runtime}`, () => {
    let world: LimitsWorld;
    let redis: RedisServer;
    let more: object;
    beforeAll(async () => {
      redis = await startRedis();
      // A burst of calls on cold processes and few cores is no Redis that is away.
      more = { processes: PROCESSES, workers: 1, redis: { url: redis.url, timeout: "2s" } };
      world = new LimitsWorld(runtime, { ...more });
      world.workspace("tight", { limits: { rpm: RPM, tpm: 10_000_000 } });
      world.workspace("roomy", { limits: { rpm: 100_000, tpm: 100_000_000 } });
      await world.start();
    }, 30_000);
    afterAll(async () => {
      const pids = pidsOf(world.weir);
      await world.stop();
      await goneWhole(world.weir, pids);
      await redis.stop();
    });

    const statuses = (count: number) =>
      Promise.all(Array.from({ length: count }, async () => (await world.ask(anthropic, "roomy", { prompt: "[sandbox: pace=0]" })).status));

    test("admit together exactly what the limit says, and all of them serve", async () => {
      const answered = await Promise.all(
        Array.from({ length: CALLS }, () => world.ask(anthropic, "tight", { prompt: "[sandbox: tokens=1 pace=0]" })),
      );
      expect(answered.filter(({ status }) => status === 200)).toHaveLength(RPM);
      expect(answered.filter(({ status }) => status === 429)).toHaveLength(CALLS - RPM);
      await eventually(() => tellers(world.weir, ({ workspace }) => workspace === "tight").length === PROCESSES, "a line of each process");
    }, 20_000);

    test("are one in /metrics: sums of what each has counted, and workers by process and number", async () => {
      const of = (decision: string) => world.metric("weir_limiter_decisions_total", { workspace: "tight", decision });
      expect([await of("admitted"), await of("requests")]).toEqual([RPM, CALLS - RPM]);
      expect(await world.metric("weir_requests_total", { model: "claude", outcome: "ok" })).toBe(RPM);
      expect(await world.metric("weir_request_duration_seconds_count", { outcome: "ok" })).toBe(RPM);
      expect(await world.metric("weir_requests_in_flight")).toBe(0);
      expect(await world.metric("weir_build_info")).toBe(1);
      expect(await world.metric("weir_limiter_state")).toBe(1);
      expect(await world.metric("weir_processes")).toBe(PROCESSES);
      const text = await (await fetch(`${world.weir.adminUrl}/metrics`)).text();
      const workers = [...text.matchAll(/^weir_worker_streams\{worker="(.+?)"\}/gm)].map(([, worker]) => worker);
      expect(workers.sort()).toEqual(["0.0", "1.0", "2.0"]);
    });

    test("are one in /readyz, and whatever else the admin listener has is answered by one of them as it is", async () => {
      const ready = await fetch(`${world.weir.adminUrl}/readyz`);
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({
        status: "ready",
        gateway: "ok: 3 of 3 processes ready",
        configuration: "ok (in each process)",
      });
      expect(await (await fetch(`${world.weir.adminUrl}/healthz`)).text()).toBe("ok\n");
      const nothing = await fetch(`${world.weir.adminUrl}/nothing/here?at=all`, { method: "PUT", body: "{}" });
      expect(nothing.status).toBe(404);
      expect(nothing.headers.get("content-type")).toStartWith("application/json");
      expect(await nothing.json()).toMatchObject({ error: { kind: "unknown", message: expect.stringContaining("nothing at this path") } });
      const head = (path: string) => fetch(world.weir.adminUrl + path, { method: "HEAD" });
      expect((await head("/healthz")).headers.get("content-length")).toBe("3");
      const described = await head("/admin/openapi.json");
      expect([described.status, described.headers.get("content-length") === "0"]).toEqual([200, false]);
      const drill = `${world.weir.adminUrl}/admin/v1/chaos/worker`;
      const wrong = await head("/admin/v1/chaos/worker");
      expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
      expect((await fetch(drill, { method: "POST" })).status).toBe(401);
      expect(await (await fetch(drill, { method: "POST", headers: ADMIN })).json()).toEqual({ worker: 0 });
      await eventually(async () => (await world.metric("weir_worker_restarts_total")) === 1, "the worker to be replaced");
      await eventually(
        async () => (await (await fetch(`${world.weir.adminUrl}/readyz`)).text()).includes('"1 of 1 running (in'),
        "all workers",
      );
    });

    test("write into the audit who asked, whichever process passed the request on; no client can pass for another", async () => {
      const create = `${world.weir.adminUrl}/admin/v1/workspaces/roomy/keys`;
      const from = async (name: string, ...words: string[]) => {
        const asked = ["--silent", "--fail", "--header", `authorization: ${ADMIN.authorization}`, "--data", JSON.stringify({ name })];
        // By curl, which lets one choose the address that one asks from.
        const made = Bun.spawn(["curl", ...asked, ...words, create], { stdout: "pipe" });
        const { id } = JSON.parse(await new Response(made.stdout).text()) as { id: string };
        return (await world.weir.logged(({ message, key }) => message === "audit" && key === id)).address;
      };
      expect(await from("near")).toBe("127.0.0.1");
      expect(await from("far", "--interface", "127.0.0.77")).toBe("127.0.0.77");
      const forged = ["--header", "x-weir-peer: 10.0.0.1", "--header", "x-weir-peer:  10.0.0.1", "--header", "X-Weir-Peer: a 10.0.0.1"];
      expect(await from("forger", "--interface", "127.0.0.78", ...forged)).toBe("127.0.0.78");
    });

    test("take a new configuration together", async () => {
      const { sandbox, weir } = world;
      const places = { ...world.places, newcomer: { limits: { rpm: 1_000, tpm: 1_000_000 } } };
      weir.rewrite(configuration(sandbox, places, { ...more }));
      weir.child.kill("SIGHUP");
      await eventually(() => tellers(weir, ({ reason }) => reason === "SIGHUP").length === PROCESSES, "each process to have reloaded");
      const newcomers = await Promise.all(Array.from({ length: 30 }, () => world.ask(anthropic, "newcomer")));
      expect(newcomers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 200));
      await eventually(() => tellers(weir, ({ workspace }) => workspace === "newcomer").length === PROCESSES, "a line of each process");
    }, 20_000);

    test("one that is killed takes its own calls along and no others, and is replaced", async () => {
      const { weir } = world;
      const streams = Array.from({ length: 18 }, () =>
        world.open(anthropic, "roomy", { stream: true, prompt: "[sandbox: tokens=40 pace=50]" }),
      );
      await Promise.all(streams.map((stream) => stream.until((text) => anthropic.streamedText(text) !== "")));
      const victim = 1;
      const lost = await world.metric("weir_worker_streams", { worker: `${victim}.0` });
      const counted = await world.metric("weir_requests_total");
      process.kill(pidsOf(weir)[victim] ?? 0, "SIGKILL");
      await weir.logged(({ ended, end }) => ended === victim && end === "SIGKILL");
      expect(await statuses(20)).toEqual(Array.from({ length: 20 }, () => 200));
      const answered = await Promise.all(streams.map((stream) => stream.answered));
      expect(answered.filter(({ text }) => !anthropic.isComplete(text))).toHaveLength(lost);
      await eventually(async () => (await world.metric("weir_processes")) === PROCESSES, "a new process in its place");
      expect(await world.metric("weir_process_restarts_total")).toBe(1);
      // What the dead one had counted is not forgotten: a counter that falls looks like one that began anew.
      expect(await world.metric("weir_requests_total")).toBe(counted + 20 + 18 - lost);
      await eventually(async () => {
        await statuses(10);
        return (
          tellers(weir, ({ message, process, time }) => message === "request" && process === victim && String(time) > bornAt(victim))
            .length > 0
        );
      }, "the new process to serve");
    }, 20_000);

    /** When the last process with this number began to listen. */
    const bornAt = (index: number) =>
      String(world.weir.log().findLast(({ message, started }) => message === "a process listens" && started === index)?.time);

    test("write a log of whole lines", async () => {
      const said = world.weir
        .output()
        .split("\n")
        .filter((line) => line.startsWith("{") || line.includes('"level"'));
      expect(said.length).toBeGreaterThan(CALLS);
      for (const line of said) expect(() => JSON.parse(line)).not.toThrow();
    });

    test("drain together: what is open finishes, then all have gone and the exit code is 0", async () => {
      const { weir } = world;
      const pids = pidsOf(weir);
      const streams = Array.from({ length: 12 }, () =>
        world.open(anthropic, "roomy", { stream: true, prompt: "[sandbox: tokens=30 pace=30]" }),
      );
      await Promise.all(streams.map((stream) => stream.until((text) => anthropic.streamedText(text) !== "")));
      const ended = weir.stop("SIGTERM");
      await eventually(async () => (await fetch(`${weir.adminUrl}/readyz`)).status === 503, "not ready", 500);
      for (const { text } of await Promise.all(streams.map((stream) => stream.answered))) expect(anthropic.isComplete(text)).toBe(true);
      expect(await ended).toBe(0);
      expect(tellers(weir, ({ message }) => message === "drained")).toEqual([0, 1, 2]);
      await goneWhole(weir, pids);
    }, 20_000);
  });
}
