import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { type AdminWorld, TOKEN } from "./world.ts";

const WORKSPACES = "/admin/v1/workspaces";
const KEYS = `${WORKSPACES}/acme/keys`;

export function specifyHostility(world: AdminWorld): void {
  test("a body that is wrong is refused with the field at fault, and nothing of it is repeated", async () => {
    const secret = "weir_pasted_into_the_wrong_field";
    const wrong: [path: string, body: unknown, message: string][] = [
      [WORKSPACES, {}, "name: expected a name of letters"],
      [WORKSPACES, [], "the body: expected a map, got a list"],
      [WORKSPACES, '"text"', "the body: expected a map, got other text"],
      [WORKSPACES, "null", "the body: expected a map, got null"],
      [WORKSPACES, { name: secret.repeat(10) }, "name: expected a name of letters"],
      [WORKSPACES, { name: "a".repeat(65) }, "name: expected a name of letters"],
      [WORKSPACES, { name: "line\nbreak" }, "name: expected a name of letters"],
      [WORKSPACES, { name: "trailing\n" }, "name: expected a name of letters"],
      [WORKSPACES, { name: "\u001b[31mred" }, "name: expected a name of letters"],
      [WORKSPACES, { name: "näme" }, "name: expected a name of letters"],
      [WORKSPACES, { name: "__proto__" }, "name: expected a name of letters"],
      [WORKSPACES, { name: "a/b" }, "name: expected a name of letters"],
      [WORKSPACES, { name: 5 }, "name: expected a name of letters, digits, dots, underscores and hyphens, at most 64 of them, got 5"],
      [
        WORKSPACES,
        { name: "a", limit: { rpm: 1 } },
        'limit: is not a field here (did you mean "limits"?); expected one of name, default_region, max_concurrent, limits, models',
      ],
      [WORKSPACES, '{"name":"a","__proto__":{"rpm":1}}', "__proto__: is not a field here"],
      [WORKSPACES, { name: "a", limits: { rpm: 0 } }, "limits.rpm: expected a whole number from 1 to 1000000000, got 0"],
      [WORKSPACES, { name: "a", limits: { rpm: 1.5 } }, "limits.rpm: expected a whole number"],
      [WORKSPACES, '{"name":"a","limits":{"rpm":1e400}}', "limits.rpm: expected a whole number"],
      [WORKSPACES, { name: "a", limits: { rpms: 1 } }, 'limits.rpms: is not a field here (did you mean "rpm"?)'],
      [
        WORKSPACES,
        { name: "a", limits: { reserve_output: secret } },
        'limits.reserve_output: expected "expected" or "max_tokens", got other text',
      ],
      [WORKSPACES, { name: "a", models: { "a b": {} } }, 'models["a b"]: expected a name of letters'],
      [WORKSPACES, { name: "a", models: { claude: { targets: [] } } }, "models.claude.targets: is not a field here"],
      [WORKSPACES, { name: "a", upstreams: {} }, "upstreams: is not a field here"],
      [WORKSPACES, { name: "a", default_region: "" }, "default_region: expected"],
      [KEYS, { name: "a", expires_at: "tomorrow" }, "expires_at: expected"],
      [KEYS, { name: "a", expires_at: "2027-13-45T00:00:00Z" }, "expires_at: expected a time"],
      [KEYS, { name: "a", expires_at: "2027-02-30T00:00:00Z" }, "expires_at: expected a time"],
      [KEYS, { name: "a", expires_at: 1_800_000_000 }, "expires_at: expected"],
      [KEYS, { name: "a", key: secret }, "key: is not a field here"],
      ["/admin/v1/keys/key_0000000000000000/rotate", { grace: "soon" }, "grace: expected a duration such as 30m, 1h or 7d, got other text"],
      ["/admin/v1/keys/key_0000000000000000/rotate", { grace: "-1h" }, "grace: expected a duration"],
      ["/admin/v1/keys/key_0000000000000000/rotate", { expires_at: "soon" }, "expires_at: expected a time such as 2027-01-01T00:00:00Z"],
      [`${WORKSPACES}/acme/keys`, { name: "late", expires_at: "soon" }, "expires_at: expected a time such as 2027-01-01T00:00:00Z"],
      ["/admin/v1/keys/key_0000000000000000/rotate", { grace: "91d" }, "grace: expected at most 90d"],
      ["/admin/v1/keys/key_0000000000000000/rotate", { grace: `${"9".repeat(30)}d` }, "grace: expected at most 90d"],
    ];
    for (const [path, body, message] of wrong) {
      const refused = await world.admin("POST", path, body);
      expect([body, refused.status, refused.json?.error?.kind]).toEqual([body, 400, "invalid"]);
      expect([body, refused.json.error.message.startsWith(message) ? message : refused.json.error.message]).toEqual([body, message]);
      expect(refused.text).not.toContain(secret);
      expect(refused.text.length).toBeLessThan(400);
    }
    const { json } = await world.admin("GET", WORKSPACES);
    expect(json.data.map(({ name }: { name: string }) => name)).not.toContain("a");
  });

  test("what is no JSON is refused, and the message cuts a field's name that is too long", async () => {
    for (const body of ["{", '{"name":"a"', "nonsense", '{"name":"a"}}', "\u0000", "['a']"]) {
      const refused = await world.admin("POST", KEYS, body);
      expect([body, refused.status, refused.json.error.message]).toEqual([body, 400, "The body is not JSON in UTF-8."]);
    }
    const headers = { authorization: `Bearer ${TOKEN}` };
    const bytes = await fetch(`${world.weir.adminUrl}${KEYS}`, { method: "POST", headers, body: new Uint8Array([0x22, 0xff, 0xfe, 0x22]) });
    expect(bytes.status).toBe(400);
    const long = await world.admin("POST", KEYS, { name: "a", [`\u0007${"x".repeat(5_000)}`]: 1 });
    expect([long.status, long.text.length < 300, /\p{Cc}/u.test(long.text)]).toEqual([400, true, false]);
    const deep = await world.admin("POST", KEYS, `{"name":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
    expect(deep.status).toBe(400);
  });

  test("a body of more than 64 KiB is 413, however it comes", async () => {
    const large = JSON.stringify({ name: "a".repeat(65 * 1024) });
    expect(await world.admin("POST", KEYS, large)).toMatchObject({ status: 413, json: { error: { kind: "too_large" } } });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const stream = new ReadableStream({
      start(controller) {
        for (let at = 0; at < 10; at++) controller.enqueue(new TextEncoder().encode("a".repeat(10_000)));
        controller.close();
      },
    });
    expect((await fetch(`${world.weir.adminUrl}${KEYS}`, { method: "POST", headers, body: stream })).status).toBe(413);
    const bomb = gzipSync(Buffer.alloc(5_000_000, " "));
    const encoded = { ...headers, "content-encoding": "gzip" };
    expect((await fetch(`${world.weir.adminUrl}${KEYS}`, { method: "POST", headers: encoded, body: bomb })).status).toBe(413);
    expect((await world.admin("POST", KEYS, JSON.stringify({ name: "a".repeat(60 * 1024) }))).status).toBe(400);
  });

  test("a path that is strange names nothing", async () => {
    for (const name of ["constructor", "toString", "%00", "%2e%2e", "%E0%A4%A", "..%2f..", "a".repeat(5_000), "%F0%9F%92%A9"]) {
      for (const path of [`${WORKSPACES}/${name}`, `${WORKSPACES}/${name}/keys`, `${WORKSPACES}/${name}/usage`]) {
        const answered = await world.admin("GET", path);
        expect([path.slice(0, 80), answered.status]).toEqual([path.slice(0, 80), 404]);
      }
      expect((await world.admin("DELETE", `/admin/v1/keys/${name}`)).status).toBe(404);
    }
  });

  test("a name that JavaScript knows is a name like any other", async () => {
    expect((await world.admin("POST", WORKSPACES, { name: "constructor" })).status).toBe(201);
    const { key } = await world.newKey("constructor", "toString");
    expect(await world.call(key)).toBe(200);
    expect((await world.admin("GET", `${WORKSPACES}/constructor/usage`)).json.data).toHaveLength(1);
    expect((await world.admin("DELETE", `${WORKSPACES}/constructor`)).status).toBe(204);
    expect(await world.call(key)).toBe(401);
  });
}
