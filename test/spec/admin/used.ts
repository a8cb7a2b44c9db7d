import { expect, test } from "bun:test";
import { type AdminWorld, FILE_KEY, MODEL } from "./world.ts";

export function specifyUsage(world: AdminWorld): void {
  test("usage shows what both windows hold, and requests and tokens of the day", async () => {
    expect((await world.admin("POST", "/admin/v1/workspaces", { name: "counted", limits: { rpm: 9, tpm: 90_000 } })).status).toBe(201);
    const { key } = await world.newKey("counted");
    const empty = await world.admin("GET", "/admin/v1/workspaces/counted/usage");
    expect(empty.json.data).toEqual([
      { model: MODEL, requests: { limit: 9, used: 0, reserved: 0 }, tokens: { limit: 90_000, used: 0, reserved: 0 }, days: [] },
    ]);
    const day = new Date().toISOString().slice(0, 10);
    expect(await world.call(key, world.weir, "[sandbox: tokens=7]")).toBe(200);
    expect(await world.call(key, world.weir, "[sandbox: tokens=5]")).toBe(200);
    expect(await world.call(key, world.weir, "[sandbox: throttle]")).not.toBe(200);
    const { json } = await world.admin("GET", "/admin/v1/workspaces/counted/usage");
    const [model] = json.data;
    expect(model.requests).toEqual({ limit: 9, used: 2, reserved: 0 });
    expect(model.days).toHaveLength(1);
    expect(model.days[0]).toMatchObject({ day, requests: 3, output_tokens: 12, cache_read_tokens: 0, cache_write_tokens: 0 });
    expect(model.days[0].input_tokens).toBeGreaterThan(0);
    expect(model.tokens.used).toBe(model.days[0].input_tokens + 12);
    expect(Date.now() - Date.parse(json.since)).toBeLessThan(600_000);
  });

  test("a call that is open shows as reserved", async () => {
    const open = fetch(`${world.weir.url}/anthropic/eu/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": FILE_KEY },
      body: JSON.stringify({
        model: MODEL,
        max_tokens: 50,
        stream: true,
        messages: [{ role: "user", content: "[sandbox: tokens=20 pace=40]" }],
      }),
    });
    const answer = await open;
    expect(answer.status).toBe(200);
    const { json } = await world.admin("GET", "/admin/v1/workspaces/acme/usage");
    expect(json.data[0].requests.reserved).toBe(1);
    expect(json.data[0].tokens.reserved).toBeGreaterThan(0);
    await answer.text();
    expect((await world.admin("GET", "/admin/v1/workspaces/acme/usage")).json.data[0].requests.reserved).toBe(0);
  });
}
