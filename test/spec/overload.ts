/** What a gateway holds at most: calls, and bytes of request bodies. */
import { expect } from "bun:test";
import { gzipSync } from "node:zlib";
import { register } from "../support/collected.ts";
import { eventually, pause } from "../support/waits.ts";
import { keyEntry, type Weir } from "../support/weir.ts";
import type { Answered, Call } from "./client.ts";
import { anthropic, DIALECTS, openai, type Spoken } from "./dialects.ts";
import { ADMIN_TOKEN, expectFailure, HOMELESS_KEY, KEY, MAX_BODY, US_KEY, type World } from "./world.ts";

/** Bytes of a body. A workspace's half has room for one of them, and the whole has room for two. */
const LARGE = MAX_BODY - 1024;
const SERVER = { max_buffered: 2 * MAX_BODY };
const STALL = "[sandbox: stall]";
const OTHER_KEY = "weir_spec_other_Jw8cVb3nMz6xLk";

export function specifyOverload(world: World): void {
  const begin = (weir: Weir, dialect: Spoken, key: string, declaredLength: number) =>
    world.call({ path: dialect.path, headers: { authorization: `Bearer ${key}` }, declaredLength }, weir);

  for (const dialect of DIALECTS) {
    world.sentence(
      `${dialect.name}: beyond server.max_buffered a call is refused before its body comes, and one workspace cannot take all of it`,
      async () => {
        const weir = await world.another({ server: SERVER });
        const first = begin(weir, dialect, KEY, LARGE);
        await eventually(async () => (await buffered(weir)) === LARGE, "the first body to have its room");
        const refused = await begin(weir, dialect, KEY, LARGE).answered;
        expect(expectFailure(dialect, refused, "overloaded").message).toMatch(
          /^The request bodies and the unread answers of this workspace/,
        );
        expect(refused.headers.get("retry-after")).toBe("1");
        expect(await world.logged(refused, weir)).toMatchObject({ outcome: "overloaded", workspace: "acme" });

        const second = begin(weir, dialect, US_KEY, LARGE);
        await eventually(async () => (await buffered(weir)) === 2 * LARGE, "the other workspace's body to have its room");
        const third = await begin(weir, dialect, HOMELESS_KEY, LARGE).answered;
        expect(expectFailure(dialect, third, "overloaded").message).toMatch(
          /^The request bodies and the unread answers that the gateway holds/,
        );
        expect((await world.ask(dialect, {}, weir)).status).toBe(200);

        first.leave();
        second.leave();
        await eventually(async () => (await buffered(weir)) === 0, "the room to be free again");
        weir.child.kill("SIGKILL");
      },
    );
  }

  world.sentence("a body that does not say its length is counted as it comes, after it was inflated", async () => {
    const weir = await world.another({ server: SERVER });
    const first = begin(weir, openai, KEY, LARGE);
    await eventually(async () => (await buffered(weir)) === LARGE, "the first body to have its room");
    const headers = { authorization: `Bearer ${KEY}` };
    // Small as it travels: who is refused while still sending may lose the answer with the connection.
    const chunked = {
      path: openai.path,
      headers: { ...headers, connection: "keep-alive" },
      body: Buffer.alloc(8_192, 0x20),
      chunked: true,
    };
    expectFailure(openai, await world.call(chunked, weir).answered, "overloaded");
    const body = gzipSync(Buffer.alloc(MAX_BODY / 2, 0x20));
    const packed = { path: openai.path, headers: { ...headers, "content-encoding": "gzip" }, body };
    expectFailure(openai, await world.call(packed, weir).answered, "overloaded");
    first.leave();
    await eventually(async () => (await buffered(weir)) === 0, "the room to be free again");
    expectFailure(openai, await world.call(packed, weir).answered, "invalid");
    weir.child.kill("SIGKILL");
  });

  world.sentence("a body is held until its answer begins, and a stream that goes on holds none", async () => {
    const weir = await world.another({ server: SERVER });
    const prompt = (directive: string) => `[sandbox: ${directive}] ${"weir ".repeat(100_000)}`;
    const late = world.ask(anthropic, { prompt: prompt("delay ms=1500") }, weir);
    await eventually(async () => (await buffered(weir)) > 500_000, "the body to be held");
    const streaming = world.open(anthropic, { prompt: prompt("quiet ms=20000 after=2"), stream: true }, weir);
    await streaming.until((text) => anthropic.streamedText(text) !== "");
    expect((await late).status).toBe(200);
    expect(await buffered(weir)).toBe(0);
    expect(await inFlight(weir)).toBe(1);
    streaming.leave();
    weir.child.kill("SIGKILL");
  });

  world.sentence("a workspace has at most max_concurrent calls open, whatever kind they are, and the others do not notice", async () => {
    const config = world.configuration();
    const { acme, ...others } = config.workspaces as Record<string, object>;
    const weir = await world.another({ config: { ...config, workspaces: { acme: { ...acme, max_concurrent: 2 }, ...others } } });
    const open = [world.open(openai, { prompt: STALL, stream: true }, weir), world.open(anthropic, { prompt: STALL }, weir)];
    await eventually(async () => (await inFlight(weir)) === 2, "both calls to be open");
    for (const dialect of DIALECTS) {
      const refused = await world.ask(dialect, {}, weir);
      expect(expectFailure(dialect, refused, "overloaded").message).toMatch(/^The workspace has 2 calls open/);
      expect((await world.ask(dialect, { key: HOMELESS_KEY }, weir)).status).toBe(200);
    }
    open[0]?.leave();
    await eventually(async () => (await world.ask(openai, {}, weir)).status === 200, "a call in place of the one that left");
    open[1]?.leave();
    weir.child.kill("SIGKILL");
  });

  world.sentence("a key has at most max_concurrent calls open, and the other keys of its workspace do not notice", async () => {
    const config = world.configuration();
    const { acme, ...others } = config.workspaces as Record<string, { keys: { name: string }[] }>;
    const keys = [...(acme?.keys ?? []).map((key) => ({ ...key, max_concurrent: 1 })), keyEntry("other", OTHER_KEY)];
    const weir = await world.another({ config: { ...config, workspaces: { acme: { ...acme, keys }, ...others } } });
    const open = world.open(openai, { prompt: STALL, stream: true }, weir);
    await eventually(async () => (await inFlight(weir)) === 1, "the call to be open");
    for (const dialect of DIALECTS) {
      const refused = await world.ask(dialect, {}, weir);
      expect(expectFailure(dialect, refused, "overloaded").message).toMatch(/^The key has 1 calls open/);
      expect((await world.ask(dialect, { key: OTHER_KEY }, weir)).status).toBe(200);
    }
    open.leave();
    await eventually(async () => (await world.ask(openai, {}, weir)).status === 200, "a call in place of the one that left");
    weir.child.kill("SIGKILL");
  });

  world.sentence(
    "a key and a workspace made over the admin listener have their own max_concurrent, and a rotated key keeps it",
    async () => {
      const weir = await world.another();
      const authorization = `Bearer ${ADMIN_TOKEN}`;
      const post = async (path: string, body: object) => {
        const answered = await fetch(`${weir.adminUrl}/admin/v1/${path}`, {
          method: "POST",
          headers: { authorization },
          body: JSON.stringify(body),
        });
        expect(answered.status).toBe(201);
        return (await answered.json()) as { id: string; key: string; max_concurrent: number | null };
      };
      expect((await post("workspaces", { name: "narrow", default_region: "eu", max_concurrent: 2 })).max_concurrent).toBe(2);
      const wide = await post("workspaces/narrow/keys", { name: "wide" });
      const made = await post("workspaces/narrow/keys", { name: "bound", max_concurrent: 1 });
      const bound = await post(`keys/${made.id}/rotate`, {});
      expect([wide, made, bound].map((one) => one.max_concurrent)).toEqual([null, 1, 1]);
      for (const { key } of [wide, made, bound]) register("a key of a test", key);
      const calls: Call[] = [];
      const refusal = async (key: string) => expectFailure(openai, await world.ask(openai, { key }, weir), "overloaded").message;
      const stall = async (key: string) => {
        calls.push(world.open(openai, { prompt: STALL, key }, weir));
        await eventually(async () => (await inFlight(weir)) === calls.length, "the call to be open");
      };
      await stall(bound.key);
      expect(await refusal(bound.key)).toMatch(/^The key has 1 calls open/);
      await stall(wide.key);
      expect(await refusal(wide.key)).toMatch(/^The workspace has 2 calls open/);
      for (const call of calls) call.leave();
      await eventually(async () => (await world.ask(openai, { key: bound.key }, weir)).status === 200, "room again");
      weir.child.kill("SIGKILL");
    },
  );

  specifyBulkhead(world);
  specifyShedding(world);
  specifyFlood(world);

  world.sentence("a gateway has at most server.max_calls calls open, of which half are for one workspace", async () => {
    const weir = await world.another({ server: { max_calls: 3 } });
    const stall = (key: string) => world.open(openai, { prompt: STALL, key }, weir);
    const open = [stall(KEY), stall(KEY), stall(US_KEY)];
    await eventually(async () => (await inFlight(weir)) === 3, "three calls to be open");
    const own = await world.ask(anthropic, {}, weir);
    expect(expectFailure(anthropic, own, "overloaded").message).toMatch(/^The workspace has 2 calls open/);
    const other = await world.ask(anthropic, { key: HOMELESS_KEY }, weir);
    expect(expectFailure(anthropic, other, "overloaded").message).toMatch(/^The gateway has as many calls open/);
    expect((await fetch(`${weir.url}/healthz`)).status).toBe(200);
    for (const call of open) call.leave();
    await eventually(async () => (await world.ask(openai, {}, weir)).status === 200, "calls to be let in again");
    weir.child.kill("SIGKILL");
  });
}

/** Calls to two upstreams that may each have one open, by a model that has both, and by one that has the first alone. */
function specifyBulkhead(world: World): void {
  world.sentence("beyond an upstream's max_calls a call goes to the next target, and is refused where there is none", async () => {
    const config = world.configuration() as { upstreams: Record<string, object>; models: Record<string, { targets: object[] }> };
    const first = { ...config.upstreams["azure-eu"], max_calls: 1 };
    const second = { ...config.upstreams["azure-recorder"], max_calls: 1_000 };
    const at = (upstream: string) => ({ upstream, model: "gpt-4o-eu" });
    const models = { ...config.models, both: { targets: [at("first"), at("second")] }, one: { targets: [at("first")] } };
    const weir = await world.another({ config: { ...config, upstreams: { ...config.upstreams, first, second }, models } });
    const { opened } = world.sandbox.calls.counts;
    const open = world.open(openai, { prompt: STALL, stream: true, more: { model: "both" } }, weir);
    await eventually(() => world.sandbox.calls.counts.opened > opened, "the call at the first upstream");
    const asked = world.recorder.all().length;
    const next = await world.ask(openai, { more: { model: "both" } }, weir);
    expect([next.status, next.headers.get("x-weir-attempts"), world.recorder.all().length]).toEqual([200, "1", asked + 1]);
    for (const prompt of ["Hello", "weir ".repeat(20_000)]) {
      const refused = await world.ask(openai, { prompt, more: { model: "one" } }, weir);
      expect(expectFailure(openai, refused, "overloaded").message).toMatch(/^The upstreams of this model/);
      expect([refused.headers.get("retry-after"), refused.headers.get("x-weir-attempts")]).toEqual(["1", undefined]);
      expect(await world.logged(refused, weir)).toMatchObject({ outcome: "overloaded" });
    }
    open.leave();
    await eventually(async () => (await world.ask(openai, { more: { model: "one" } }, weir)).status === 200, "room again");
    // However a call ends, its place is free again: only one may be open, so that a place that was kept would show.
    for (const prompt of ["[sandbox: status=500]", "[sandbox: status=400]", "[sandbox: hang-up]", "[sandbox: tokens=20 exception after=5]"])
      await world.ask(openai, { prompt, stream: true, more: { model: "one" } }, weir);
    expect((await world.ask(openai, { more: { model: "one" } }, weir)).status).toBe(200);
    weir.child.kill("SIGKILL");
  });
}

/** A process that is stopped for more than a second, several times: its thread is as late as one that has too much to do. */
function specifyShedding(world: World): void {
  world.sentence(
    "while its own thread is behind, new calls are refused at once, health is answered, and the refusals end by themselves",
    async () => {
      const weir = await world.another();
      const isBehind = (line: Record<string, unknown>) => String(line.message).includes("is more than a second behind");
      for (let stop = 0; stop < 12 && !weir.log().some(isBehind); stop++) {
        weir.child.kill("SIGSTOP");
        await pause(1_300);
        weir.child.kill("SIGCONT");
        // Long enough for one look, which is late, and too short for the next one, which would be on time.
        await pause(60);
      }
      // Calls that are there when it goes on are read before it can have caught up.
      weir.child.kill("SIGSTOP");
      const asked = [world.ask(openai, {}, weir), world.ask(anthropic, {}, weir)];
      await pause(100);
      weir.child.kill("SIGCONT");
      const answers = await Promise.all(asked);
      for (const [index, dialect] of [openai, anthropic].entries()) {
        const refused = answers[index] as Answered;
        expect(expectFailure(dialect, refused, "overloaded").message).toMatch(/^The gateway is behind/);
        expect(refused.headers.get("retry-after")).toBe("1");
      }
      expect((await fetch(`${weir.url}/healthz`)).status).toBe(200);
      expect((await fetch(`${weir.adminUrl}/metrics`)).status).toBe(200);
      await weir.logged((line) => String(line.message).startsWith("this thread has caught up"));
      const taken = await world.ask(openai, {}, weir);
      expect([taken.status, taken.status === 200 ? "" : taken.text]).toEqual([200, ""]);
      expect(weir.log().filter(isBehind)).toHaveLength(1);
      weir.child.kill("SIGKILL");
    },
    40_000,
  );
}

/** The time that most of so many calls, one after the other, stay within. */
async function p99(count: number, ask: () => Promise<Answered>): Promise<number> {
  const tookMs: number[] = [];
  for (let nth = 0; nth < count; nth++) {
    const startedMs = performance.now();
    expect((await ask()).status).toBe(200);
    tookMs.push(performance.now() - startedMs);
  }
  return tookMs.sort((one, other) => one - other)[Math.floor(count * 0.99) - 1] ?? 0;
}

/** Whatever else a machine does that runs many tests at once: below this, a slower call is no sign of unfairness. */
const NOISE_MS = 500;

function specifyFlood(world: World): void {
  world.sentence(
    "one key that floods the gateway leaves another workspace's p99, and health, within half a second or twice what they were",
    async () => {
      const config = world.configuration();
      const { acme, ...others } = config.workspaces as Record<string, { keys: object[] }>;
      const keys = (acme?.keys ?? []).map((key) => ({ ...key, max_concurrent: 4 }));
      const weir = await world.another({ config: { ...config, workspaces: { acme: { ...acme, keys }, ...others } } });
      const ask = () => world.ask(openai, { key: HOMELESS_KEY, more: { model: "gpt-recorded" } }, weir);
      const health = async () => {
        const answered = await world.call({ method: "GET", path: "/healthz" }, weir).answered;
        expect(answered.status).toBe(200);
        return answered;
      };
      await p99(20, ask);
      const calm = await p99(100, ask);
      let isFlooding = true;
      const statuses = new Map<number, number>();
      const flood = Promise.all(
        Array.from({ length: 24 }, async () => {
          while (isFlooding) {
            const { status } = await world.ask(openai, { more: { model: "gpt-recorded" } }, weir);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
          }
        }),
      );
      await eventually(() => (statuses.get(503) ?? 0) > 50, "the flood to be refused");
      const flooded = await p99(100, ask);
      const healthMs = await p99(50, health);
      isFlooding = false;
      await flood;
      expect(flooded).toBeLessThan(Math.max(2 * calm, NOISE_MS));
      expect(healthMs).toBeLessThan(NOISE_MS);
      // It has been refused most of the time, and what the bound lets in was answered.
      expect([...statuses.keys()].sort()).toEqual([200, 503]);
      weir.child.kill("SIGKILL");
    },
    30_000,
  );
}

const buffered = (weir: Weir) => sampled(weir, "weir_buffered_bytes");
const inFlight = (weir: Weir) => sampled(weir, "weir_requests_in_flight");

/** A metric, added up over its labels. */
async function sampled(weir: Weir, name: string): Promise<number> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
