/** What administrators can do over HTTP, as sentences about a gateway that runs in another process. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../../support/waits.ts";
import { type RuntimeName, runToEnd } from "../../support/weir.ts";
import { specifyAudit } from "./audited.ts";
import { specifyDescription } from "./described.ts";
import { specifyGuard } from "./guarded.ts";
import { specifyHostility } from "./hostile.ts";
import { specifyUsage } from "./used.ts";
import { AdminWorld, FILE_KEY, MODEL, TOKEN } from "./world.ts";

const WORKSPACES = "/admin/v1/workspaces";

export function specifyAdmin(runtime: RuntimeName): void {
  describe(`the admin listener on ${runtime}`, () => {
    const world = new AdminWorld(runtime);
    beforeAll(() => world.start(), 20_000);
    afterAll(() => world.stop());

    describe("the door", () => specifyDoor(world));
    describe("the guard", () => specifyGuard(world));
    describe("keys", () => specifyKeys(world));
    describe("workspaces", () => specifyWorkspaces(world));
    describe("lists", () => specifyLists(world));
    describe("hostile input", () => specifyHostility(world));
    describe("usage", () => specifyUsage(world));
    describe("what it says of itself", () => specifyDescription(world));
    describe("the audit", () => specifyAudit(world));
  });
}

function specifyDoor(world: AdminWorld): void {
  test("nothing is shown and nothing is changed without the token; metrics and health need none", async () => {
    const routes: [string, string][] = [
      ["GET", WORKSPACES],
      ["POST", WORKSPACES],
      ["GET", `${WORKSPACES}/acme`],
      ["PUT", `${WORKSPACES}/acme`],
      ["DELETE", `${WORKSPACES}/acme`],
      ["GET", `${WORKSPACES}/acme/keys`],
      ["POST", `${WORKSPACES}/acme/keys`],
      ["GET", `${WORKSPACES}/acme/usage`],
      ["POST", "/admin/v1/keys/key_0000000000000000/rotate"],
      ["DELETE", "/admin/v1/keys/key_0000000000000000"],
      ["POST", "/admin/v1/chaos/worker"],
    ];
    for (const [method, path] of routes) {
      for (const token of [null, "wrong", `${TOKEN}x`, TOKEN.slice(0, -1), TOKEN.toUpperCase(), FILE_KEY]) {
        const answered = await world.admin(method, path, method === "GET" ? undefined : {}, token);
        expect([method, path, answered.status, answered.json?.error?.kind]).toEqual([method, path, 401, "unauthenticated"]);
        expect(answered.headers.get("www-authenticate")).toBe("Bearer");
        expect(answered.text).not.toContain(TOKEN);
      }
    }
    for (const path of ["/healthz", "/readyz", "/metrics", "/admin/openapi.json", "/admin/docs"])
      expect([path, (await world.admin("GET", path, undefined, null)).status]).toEqual([path, 200]);
  });

  test("a listener that other machines could reach does not start without a token", async () => {
    const refused = await runToEnd(world.runtime, { config: { admin: { host: "0.0.0.0" }, workspaces: {} } });
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("admin.token: expected a token because admin.host is an address that other machines can reach");
  });

  test("a path that is not there is 404, a method that it does not have 405 with those that it has", async () => {
    const lost = await world.admin("GET", "/admin/v1/nowhere");
    expect([lost.status, lost.json.error.kind]).toEqual([404, "unknown"]);
    const wrong = await world.admin("PATCH", `${WORKSPACES}/acme`);
    expect([wrong.status, wrong.json.error.kind, wrong.headers.get("allow")]).toEqual([
      405,
      "method_not_allowed",
      "GET, HEAD, PUT, DELETE",
    ]);
    const key = await world.admin("HEAD", "/admin/v1/keys/key_1/rotate");
    expect([key.status, key.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("HEAD is answered as GET is, without the body, also where slashes are doubled or a name is encoded", async () => {
    const { text } = await world.admin("GET", `${WORKSPACES}/acme`);
    for (const path of [`${WORKSPACES}/acme`, `/${WORKSPACES}//acme/`, `${WORKSPACES}/%61cme`]) {
      const head = await world.admin("HEAD", path);
      expect([path, head.status, head.text]).toEqual([path, 200, ""]);
      expect([path, head.headers.get("content-length")]).toEqual([path, String(Buffer.byteLength(text))]);
      expect([path, (await world.admin("HEAD", path, undefined, null)).status]).toEqual([path, 401]);
    }
    for (const path of [`${WORKSPACES}/%zz`, `/${WORKSPACES}/%zz`])
      for (const method of ["GET", "HEAD"]) expect([method, path, (await world.admin(method, path)).status]).toEqual([method, path, 404]);
    expect((await world.admin("GET", `/${WORKSPACES}//acme/`)).text).toBe(text);
  });

  test("a method that a request of the web cannot have is a 501 on every runtime", async () => {
    for (const path of ["/healthz", WORKSPACES]) expect([path, (await world.admin("TRACE", path)).status]).toEqual([path, 501]);
  });
}

function specifyKeys(world: AdminWorld): void {
  test("a key that is made works at once, is shown once, and is listed without itself", async () => {
    const made = await world.admin("POST", `${WORKSPACES}/acme/keys`, { name: "fresh", expires_at: "2999-01-01T00:00:00+01:00" });
    expect(made.status).toBe(201);
    expect(await world.call(made.json.key)).toBe(200);
    expect(made.json).toMatchObject({ name: "fresh", workspace: "acme", source: "file", expires_at: "2998-12-31T23:00:00.000Z" });
    expect(made.json.key).toMatch(/^weir_[A-Za-z0-9_-]{43}$/);
    expect(made.json.id).toMatch(/^key_[0-9a-f]{16}$/);
    const listed = await world.admin("GET", `${WORKSPACES}/acme/keys`);
    expect(listed.text).not.toContain(made.json.key);
    expect(listed.json.data.find(({ id }: { id: string }) => id === made.json.id)).toMatchObject({ name: "fresh", source: "file" });
    expect(listed.json.data.find(({ name }: { name: string }) => name === "of-the-file")).toMatchObject({
      source: "config",
      created_at: null,
      expires_at: null,
    });
  });

  test("a rotated key works beside the new one until its grace ends", async () => {
    const old = await world.newKey();
    const made = await world.admin("POST", `/admin/v1/keys/${old.id}/rotate`, { grace: "1500ms" });
    expect([made.status, made.json.name, made.json.workspace]).toEqual([201, "made", "acme"]);
    expect(made.json.id).not.toBe(old.id);
    expect([await world.call(old.key), await world.call(made.json.key)]).toEqual([200, 200]);
    await eventually(async () => (await world.call(old.key)) === 401, "the grace to end");
    expect(await world.call(made.json.key)).toBe(200);
  });

  test("without a grace the old one ends at once", async () => {
    const old = await world.newKey();
    const made = await world.admin("POST", `/admin/v1/keys/${old.id}/rotate`);
    expect([await world.call(old.key), await world.call(made.json.key)]).toEqual([401, 200]);
  });

  test("a rotation keeps the key's expiry, and is not done twice: 409 with the key to rotate", async () => {
    const old = await world.newKey("acme", "made", { expires_at: "2999-01-01T00:00:00Z" });
    const made = await world.admin("POST", `/admin/v1/keys/${old.id}/rotate`, { grace: "1h" });
    expect([made.status, made.json.expires_at, made.json.replaced_by]).toEqual([201, "2999-01-01T00:00:00.000Z", null]);
    const again = await world.admin("POST", `/admin/v1/keys/${old.id}/rotate`, { grace: "1h" });
    expect([again.status, again.json.error.kind]).toEqual([409, "replaced"]);
    expect(again.json.error.message).toContain(made.json.id);
    const listed = await world.admin("GET", `${WORKSPACES}/acme/keys?limit=1000`);
    expect(listed.json.data.find(({ id }: { id: string }) => id === old.id).replaced_by).toBe(made.json.id);
    expect([await world.call(old.key), await world.call(made.json.key)]).toEqual([200, 200]);
    // Both have the same name: in the log their ids differ.
    for (const { id } of [old, made.json]) await world.weir.logged((line) => line.message === "request" && line.key_id === id);
  });

  test("a rotation can give the new key another expiry, or none; the old one ends no later for it", async () => {
    const old = await world.newKey("acme", "made", { expires_at: "2999-01-01T00:00:00Z" });
    const rotate = (id: string, body: object) => world.admin("POST", `/admin/v1/keys/${id}/rotate`, body);
    const late = await rotate(old.id, { expires_at: "2020-01-01" });
    expect([late.status, late.json.error.kind]).toEqual([400, "invalid"]);
    const made = await rotate(old.id, { expires_at: "2998-01-01T00:00:00Z", grace: "1h" });
    expect([made.status, made.json.expires_at]).toEqual([201, "2998-01-01T00:00:00.000Z"]);
    const listed = await world.admin("GET", `${WORKSPACES}/acme/keys?limit=1000`);
    const endsAtMs = Date.parse(listed.json.data.find(({ id }: { id: string }) => id === old.id).expires_at);
    expect(endsAtMs).toBeLessThan(Date.now() + 3_601_000);
    const endless = await rotate(made.json.id, { expires_at: null });
    expect([endless.status, endless.json.expires_at, await world.call(endless.json.key)]).toEqual([201, null, 200]);
  });

  test("a revoked key is refused at once, and is not there any more", async () => {
    const { id, key } = await world.newKey();
    expect(await world.call(key)).toBe(200);
    const revoked = await world.admin("DELETE", `/admin/v1/keys/${id}`);
    expect([revoked.status, revoked.text]).toEqual([204, ""]);
    expect(await world.call(key)).toBe(401);
    expect((await world.admin("DELETE", `/admin/v1/keys/${id}`)).status).toBe(404);
    expect((await world.admin("POST", `/admin/v1/keys/${id}/rotate`)).status).toBe(404);
  });

  test("a key of the file is read-only: 409, and it goes on working", async () => {
    const listed = await world.admin("GET", `${WORKSPACES}/acme/keys`);
    const { id } = listed.json.data.find(({ source }: { source: string }) => source === "config");
    for (const answered of [await world.admin("DELETE", `/admin/v1/keys/${id}`), await world.admin("POST", `/admin/v1/keys/${id}/rotate`)])
      expect([answered.status, answered.json.error.kind]).toEqual([409, "read_only"]);
    expect(await world.call(FILE_KEY)).toBe(200);
  });

  test("a key ends by itself, and cannot be made for a time that is over", async () => {
    const { key } = await world.newKey("acme", "brief", { expires_at: new Date(Date.now() + 700).toISOString() });
    await eventually(async () => (await world.call(key)) === 401, "the key to end");
    const late = await world.admin("POST", `${WORKSPACES}/acme/keys`, { name: "late", expires_at: "2020-01-01" });
    expect([late.status, late.json.error.kind]).toEqual([400, "invalid"]);
  });

  test("a workspace that does not exist has no keys", async () => {
    for (const answered of [
      await world.admin("GET", `${WORKSPACES}/nobody/keys`),
      await world.admin("POST", `${WORKSPACES}/nobody/keys`, { name: "a" }),
      await world.admin("GET", `${WORKSPACES}/nobody/usage`),
      await world.admin("DELETE", "/admin/v1/keys/key_0000000000000000"),
    ])
      expect([answered.status, answered.json.error.kind]).toEqual([404, "unknown"]);
  });
}

function specifyWorkspaces(world: AdminWorld): void {
  test("a workspace is made, serves its keys within its limits, is changed, and goes with its keys", async () => {
    const made = await world.admin("POST", WORKSPACES, { name: "lab", default_region: "eu", max_concurrent: 7, limits: { rpm: 2 } });
    expect([made.status, made.json]).toEqual([
      201,
      { name: "lab", source: "file", default_region: "eu", max_concurrent: 7, limits: { rpm: 2 }, models: {}, upstreams: [], keys: 0 },
    ]);
    const { key } = await world.newKey("lab");
    expect([await world.call(key), await world.call(key), await world.call(key)]).toEqual([200, 200, 429]);
    const changed = await world.admin("PUT", `${WORKSPACES}/lab`, { limits: { rpm: 50 }, models: { [MODEL]: { limits: { rpm: 60 } } } });
    expect([changed.status, changed.json]).toEqual([
      200,
      {
        ...made.json,
        default_region: null,
        max_concurrent: null,
        limits: { rpm: 50 },
        models: { [MODEL]: { limits: { rpm: 60 } } },
        keys: 1,
      },
    ]);
    expect(await world.call(key)).toBe(200);
    expect((await world.admin("GET", `${WORKSPACES}/lab`)).json).toEqual(changed.json);
    expect((await world.admin("DELETE", `${WORKSPACES}/lab`)).status).toBe(204);
    expect(await world.call(key)).toBe(401);
    for (const method of ["GET", "PUT", "DELETE"])
      expect((await world.admin(method, `${WORKSPACES}/lab`, method === "PUT" ? {} : undefined)).status).toBe(404);
  });

  test("a name is given once, and those of the file are read-only", async () => {
    const body = { name: "twice" };
    expect((await world.admin("POST", WORKSPACES, body)).status).toBe(201);
    const again = await world.admin("POST", WORKSPACES, body);
    expect([again.status, again.json.error.kind]).toEqual([409, "exists"]);
    expect((await world.admin("POST", WORKSPACES, { name: "acme" })).status).toBe(409);
    for (const method of ["PUT", "DELETE"]) {
      const refused = await world.admin(method, `${WORKSPACES}/acme`, method === "PUT" ? {} : undefined);
      expect([method, refused.status, refused.json.error.kind]).toEqual([method, 409, "read_only"]);
    }
  });

  test("one of the file is shown as it is, with what is its own", async () => {
    const { json } = await world.admin("GET", `${WORKSPACES}/acme`);
    expect(json).toMatchObject({ name: "acme", source: "config", default_region: "eu", limits: { rpm: 777 }, upstreams: [] });
  });

  test("a region and a model that no upstream serves are refused by name", async () => {
    for (const [body, field] of [
      [{ name: "elsewhere", default_region: "moon" }, "default_region"],
      [{ name: "elsewhere", models: { "no-such-model": { limits: { rpm: 1 } } } }, "no-such-model"],
    ] as const) {
      const refused = await world.admin("POST", WORKSPACES, body);
      expect([field, refused.status]).toEqual([field, 400]);
      expect(refused.json.error.message).toContain(field);
    }
  });
}

function specifyLists(world: AdminWorld): void {
  test("small pages lead to each other and come to the whole, also where an entry goes meanwhile", async () => {
    for (let at = 0; at < 7; at++) await world.newKey("acme", `paged-${at}`);
    const whole = await world.admin("GET", `${WORKSPACES}/acme/keys?limit=1000`);
    expect(whole.json.has_more).toBe(false);
    const ids: string[] = whole.json.data.map(({ id }: { id: string }) => id);
    expect(whole.json.last_id).toBe(ids.at(-1));
    expect([...ids].sort()).toEqual(ids);
    const seen: string[] = [];
    for (let after = ""; ; ) {
      const { json } = await world.admin("GET", `${WORKSPACES}/acme/keys?limit=2${after}`);
      seen.push(...json.data.map(({ id }: { id: string }) => id));
      expect([json.data.length <= 2, json.last_id]).toEqual([true, seen.at(-1)]);
      if (!json.has_more) break;
      after = `&after_id=${json.last_id}`;
    }
    expect(seen).toEqual(ids);
    const made = whole.json.data.filter(({ source }: { source: string }) => source === "file");
    const gone = made.at(-2)?.id;
    await world.admin("DELETE", `/admin/v1/keys/${gone}`);
    const rest = await world.admin("GET", `${WORKSPACES}/acme/keys?after_id=${gone}`);
    expect(rest.json.data.map(({ id }: { id: string }) => id)).toEqual(ids.slice(ids.indexOf(gone) + 1));
    expect((await world.admin("GET", `${WORKSPACES}?after_id=zzzz`)).json).toEqual({ data: [], has_more: false, last_id: null });
  });

  test("a limit, a cursor and a parameter that are none are refused by name", async () => {
    for (const query of ["limit=0", "limit=1001", "limit=-1", "limit=1.5", "limit=x", "limit=", "limit=1e2"]) {
      const refused = await world.admin("GET", `${WORKSPACES}?${query}`);
      expect([query, refused.status, refused.json.error.message.startsWith("limit: ")]).toEqual([query, 400, true]);
    }
    for (const cursor of ["", "%00", "a%20b", "%F0%9F%92%A9", "x".repeat(129), "../../..", "-"]) {
      const refused = await world.admin("GET", `${WORKSPACES}?after_id=${cursor}`);
      expect([cursor, refused.status, refused.json.error.message.startsWith("after_id: ")]).toEqual([cursor, 400, true]);
    }
    const slip = await world.admin("GET", `${WORKSPACES}?limt=5`);
    expect([slip.status, slip.json.error.message]).toEqual([400, '"limt": is not a parameter here; expected limit or after_id']);
  });
}
