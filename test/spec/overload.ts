/** What a gateway holds at most: calls, and bytes of request bodies (design §3.5, §7). */
import { expect } from "bun:test";
import { gzipSync } from "node:zlib";
import type { Weir } from "../harness/weir.ts";
import { anthropic, DIALECTS, openai, type Spoken } from "./dialects.ts";
import { eventually, expectFailure, HOMELESS_KEY, KEY, MAX_BODY, US_KEY, type World } from "./world.ts";

/** Of two of these a workspace's half has no room for the second, and the whole none for a third. */
const LARGE = MAX_BODY - 1024;
const SERVER = { max_buffered: 2 * MAX_BODY };
const STALL = "[sandbox: stall]";

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

const buffered = (weir: Weir) => sampled(weir, "weir_buffered_bytes");
const inFlight = (weir: Weir) => sampled(weir, "weir_requests_in_flight");

/** A metric, added up over its labels. */
async function sampled(weir: Weir, name: string): Promise<number> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
