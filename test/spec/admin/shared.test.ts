/** Administration with Redis behind it: several gateways, restarts, and a Redis that is away. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { haveRedis, type RedisServer, startRedis } from "../../support/redis.ts";
import { eventualAnswer, eventually, promptly } from "../../support/waits.ts";
import type { Weir } from "../../support/weir.ts";
import { AdminWorld, MODEL } from "./world.ts";

const USAGE = "/admin/v1/workspaces/acme/usage";

describe.skipIf(!haveRedis)("administration over Redis", () => {
  const world = new AdminWorld("bun");
  let redis: RedisServer;
  let other: Weir;
  beforeAll(async () => {
    redis = await startRedis(["--appendonly", "yes"]);
    await world.start(redis.url);
    other = await world.another();
  }, 30_000);
  afterAll(async () => {
    other.child.kill("SIGKILL");
    await world.stop();
    await redis.stop();
  });
  const usage = () => world.admin("GET", USAGE);

  test("what is made or revoked on one gateway holds on the other", async () => {
    const { id, key } = await world.newKey();
    expect(await world.call(key, other)).toBe(200);
    expect((await world.admin("GET", "/admin/v1/workspaces/acme/keys", undefined, undefined, other)).text).toContain(id);
    expect((await world.admin("DELETE", `/admin/v1/keys/${id}`, undefined, undefined, other)).status).toBe(204);
    await promptly(async () => (await world.call(key)) === 401, "the first gateway to refuse the key");
  });

  test("windows and day totals are those of all gateways, and outlive them", async () => {
    const { key } = await world.newKey("acme", "counted");
    // What the other one has counted is written within seconds.
    const isWhole = ({
      json: {
        data: [model],
      },
    }: {
      json: ReturnType<typeof JSON.parse>;
    }) => model.days[0]?.requests === model.requests.used;
    const before = (await eventualAnswer(usage, isWhole)).json.data[0];
    const had = before.days[0].requests;
    expect([await world.call(key), await world.call(key, other), await world.call(key, other)]).toEqual([200, 200, 200]);
    const { json } = await eventualAnswer(usage, (answered) => answered.json.data[0].days[0].requests === had + 3);
    expect(json).toMatchObject({ since: null, data: [{ model: MODEL, requests: { limit: 777, used: before.requests.used + 3 } }] });
    expect(await world.call(key)).toBe(200);
    await world.restart();
    expect((await usage()).json.data[0].days[0].requests).toBe(had + 4);
  }, 30_000);

  test("while Redis is away nothing is changed, the answer says so, and what is counted meanwhile is written later", async () => {
    const { id, key } = await world.newKey("acme", "steady");
    expect(await world.call(key)).toBe(200);
    const had = (await usage()).json.data[0].days[0].requests;
    await redis.kill();
    expect(await world.call(key)).toBe(200);
    for (const [method, path, body] of [
      ["POST", "/admin/v1/workspaces/acme/keys", { name: "never" }],
      ["DELETE", `/admin/v1/keys/${id}`, undefined],
      ["POST", `/admin/v1/keys/${id}/rotate`, {}],
      ["POST", "/admin/v1/workspaces", { name: "never" }],
      ["GET", USAGE, undefined],
    ] as const) {
      const { status, json } = await world.admin(method, path, body);
      expect([method, path, status, json?.error?.kind]).toEqual([method, path, 503, "unavailable"]);
    }
    expect((await world.admin("GET", "/metrics")).status).toBe(200);
    await redis.start();
    await eventualAnswer(usage, ({ status, json }) => status === 200 && json.data[0].days[0].requests === had + 1);
    expect(await world.call(key)).toBe(200);
    await eventually(async () => (await world.admin("DELETE", `/admin/v1/keys/${id}`)).status === 204, "keys to be revoked again");
  }, 40_000);
});
