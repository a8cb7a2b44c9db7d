/** `redis.prefix`: several configurations on one Redis, and the warning where two of them share one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openLimiter } from "../../../src/limiter/index.ts";
import { connectRedis } from "../../../src/redis/connect.ts";
import { Neighbours } from "../../../src/redis/neighbours.ts";
import { load } from "../../support/config-sample.ts";
import { haveRedis, type RedisServer, redisCli, startRedis } from "../../support/redis.ts";
import { eventually, pause } from "../../support/waits.ts";
import { keyEntry, startWeir, type Weir } from "../../support/weir.ts";
import { connected, settings } from "../../unit/limiter/fixture.ts";

const KEY = "weir_prefix_Jd8sWq2nLx5vRb7t";
const ADMIN_TOKEN = "prefix-admin-token-4f0d1c88ae";
const WARNING = /a gateway with another configuration/;

function configuration(url: string, prefix: string | undefined, rpm: number): Record<string, unknown> {
  return {
    admin: { token: ADMIN_TOKEN },
    workers: 0,
    redis: { url, ...(prefix === undefined ? {} : { prefix }) },
    limits: { rpm },
    upstreams: { azure: { provider: "azure", region: "eu", endpoint: "http://127.0.0.1:9", credentials: { api_key: "not-used-here" } } },
    models: { gpt: { targets: [{ upstream: "azure", model: "gpt" }] } },
    workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
  };
}

describe.skipIf(!haveRedis)("gateways on one Redis", () => {
  let server: RedisServer;
  let weirs: Weir[] = [];
  /** Two that share the default prefix, and one with its own. */
  beforeAll(async () => {
    server = await startRedis();
    const start = (prefix: string | undefined, rpm: number) => startWeir({ config: configuration(server.url, prefix, rpm) });
    weirs = await Promise.all([start(undefined, 5), start(undefined, 6), start("team-b:llm", 7)]);
  }, 30_000);
  afterAll(async () => {
    for (const weir of weirs) weir.child.kill("SIGKILL");
    await server.stop();
  });

  test("a gateway warns once where one of another configuration shares its prefix, and names the cure", async () => {
    const [one, other] = weirs;
    for (const weir of [one, other]) {
      const line = await weir?.logged(({ message }) => WARNING.test(String(message)));
      expect(line).toMatchObject({ level: "warn", message: expect.stringContaining("its own redis.prefix") });
      expect(weir?.log().filter(({ message }) => WARNING.test(String(message)))).toHaveLength(1);
    }
  }, 20_000);

  test("a gateway with another prefix shares no key and no window with the others, and no warning is logged", async () => {
    const [one, , apart] = weirs;
    const made = await fetch(`${apart?.adminUrl}/admin/v1/workspaces/acme/keys`, {
      method: "POST",
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "made" }),
    });
    const { key } = (await made.json()) as { key: string };
    const ask = async (weir: Weir | undefined, by: string) => {
      const path = "/openai/eu/v1/chat/completions";
      const body = JSON.stringify({ model: "gpt", messages: [{ role: "user", content: "Hello" }] });
      const answer = await fetch(`${weir?.url}${path}`, { method: "POST", headers: { authorization: `Bearer ${by}` }, body });
      await answer.text();
      return answer;
    };
    // The upstream is not there; what its answers say of the limit is all that matters.
    expect((await ask(apart, key)).status).toBe(502);
    expect((await ask(one, key)).status).toBe(401);
    expect((await ask(apart, KEY)).headers.get("x-ratelimit-limit-requests")).toBe("7");
    const names = (await redisCli(server.port, ["keys", "*"])).trim().split("\n");
    const belowApart = names.filter((name) => name.startsWith("team-b:llm:"));
    expect(belowApart).toContain("team-b:llm:1:{acme/gpt}");
    expect(belowApart).toContain("team-b:llm:{directory}:1:keys");
    expect(names.filter((name) => !name.startsWith("team-b:llm:") && !name.startsWith("weir:"))).toEqual([]);
    expect(names).not.toContain("weir:{directory}:1:keys");
    expect(apart?.log().filter(({ message }) => WARNING.test(String(message)))).toEqual([]);
  });

  test("limits below another prefix are others", async () => {
    const decide = async (prefix: string) => {
      const limiter = openLimiter({ redis: settings(server.url, { prefix, timeoutMs: 2_000 }) });
      await limiter.contact(5_000);
      const asked = { workspace: "w", model: "m", window: "calls", rpm: 1, tpm: 1_000, input: 1, bound: undefined, output: 0 } as const;
      const { outcome } = await limiter.reserve(asked);
      await limiter.close();
      return outcome;
    };
    expect([await decide("one"), await decide("two"), await decide("one")]).toEqual(["admitted", "admitted", "requests"]);
  });

  test("a configuration that changes while it runs is not taken for another gateway, and the same one elsewhere is none", async () => {
    const config = (rpm: number) => load(JSON.stringify(configuration(server.url, "reload", rpm))).config;
    const told: string[] = [];
    const open = async (rpm: number) =>
      new Neighbours({
        client: await connected(connectRedis(settings(server.url))),
        prefix: "reload",
        config: config(rpm),
        onWarning: (text) => told.push(text),
        lookEveryMs: 50,
      });
    const noted = async () => (await redisCli(server.port, ["hkeys", "reload:{gateways}:1"])).trim().split("\n").filter(Boolean);
    const [one, other] = [await open(1), await open(1)];
    await eventually(async () => (await noted()).length === 1, "the one configuration to be noted");
    const [before] = await noted();
    one.configure(config(2));
    await pause(1);
    other.configure(config(2));
    // The one before is forgotten after four looks.
    await eventually(async () => !(await noted()).includes(before ?? ""), "the new one alone to be noted");
    expect(await noted()).toHaveLength(1);
    expect(told).toEqual([]);
    const stranger = await open(3);
    await eventually(() => told.length === 3, "each of the three to see a stranger");
    for (const neighbours of [one, other, stranger]) neighbours.close();
  });
});
