/** Which paths there are, and what is said of those that are not. */
import { describe, expect } from "bun:test";
import { anthropic, DIALECTS, openai, type Spoken } from "./dialects.ts";
import { EXPIRED_KEY, expectFailure, expectIds, HOMELESS_KEY, US_KEY, type World } from "./world.ts";

/** What the mistaken path should make the answer say. */
const MISTAKES: readonly { dialect: Spoken; method?: string; path: string; says: RegExp }[] = [
  { dialect: anthropic, path: "/anthropic/eu/v1/v1/messages", says: /\/v1 is there more than once.*\/anthropic\/eu\/v1\/messages/ },
  { dialect: anthropic, path: "/anthropic/v1/messages", says: /region is missing/ },
  { dialect: anthropic, path: "/anthropic/eu/messages", says: /\/v1 is missing/ },
  { dialect: anthropic, path: "/anthropic/eu/v1/chat/completions", says: /\/openai\/\{region\}\/v1/ },
  { dialect: anthropic, path: "/v1/messages", says: /\/anthropic is missing/ },
  { dialect: anthropic, path: "/api/public/anthropic/messages", says: /missing/ },
  { dialect: openai, path: "/openai/eu/v1/v1/chat/completions", says: /more than once.*\/openai\/eu\/v1\/chat\/completions/ },
  { dialect: openai, path: "/openai/v1/chat/completions", says: /region is missing/ },
  { dialect: openai, path: "/openai/eu/chat/completions", says: /\/v1 is missing/ },
  { dialect: openai, path: "/v1/chat/completions", says: /\/openai is missing/ },
  { dialect: openai, path: "/openai/eu/v1/messages", says: /\/anthropic\/\{region\}/ },
  {
    dialect: openai,
    path: "/somewhere/else",
    says: /Routes:.*\/anthropic\/\{region\}\/v1\/messages.*\/openai\/\{region\}\/v1\/chat\/completions/,
  },
  {
    dialect: openai,
    path: "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
    says: /own client.*\/openai\/\{region\}\/v1\/chat/,
  },
  { dialect: openai, method: "POST", path: "/", says: /Routes:/ },
];

export function specifyRoutes(world: World): void {
  for (const dialect of DIALECTS) describe(dialect.name, () => specifyRoute(world, dialect));

  for (const { dialect, method = "POST", path, says } of MISTAKES) {
    world.sentence(`${method} ${path} is a 404 in the ${dialect.name} dialect that names the mistake`, async () => {
      const answered = await world.call({ method, path, ...(method === "POST" ? { body: "{}" } : {}) }).answered;
      expect(expectFailure(dialect, answered, "not_found_route").message).toMatch(says);
    });
  }

  world.sentence("a path that shows no dialect is answered in that of the client's headers", async () => {
    const answered = await world.call({ path: "/nowhere", headers: { "anthropic-version": "2023-06-01" }, body: "{}" }).answered;
    expectFailure(anthropic, answered, "not_found_route");
  });

  world.sentence("/api/anthropic without a region goes to the workspace's default region", async () => {
    for (const [key, region] of [
      [undefined, "eu"],
      [US_KEY, "us"],
    ] as const) {
      const question = { path: "/api/anthropic/v1/messages", prompt: `default region ${region}`, ...(key === undefined ? {} : { key }) };
      const answered = await world.ask(anthropic, question);
      expect(answered.status).toBe(200);
      world.expectLine(answered, { region });
    }
    expect((await world.get("/api/anthropic/v1/models")).status).toBe(200);
  });

  world.sentence("a workspace without a default region has to name one", async () => {
    const answered = await world.ask(anthropic, { path: "/api/anthropic/v1/messages", key: HOMELESS_KEY });
    expect(expectFailure(anthropic, answered, "not_found_region").message).toContain("default_region");
  });

  world.sentence("the models of a region are listed, with when they came out, and each can be asked for", async () => {
    const claude = JSON.parse((await world.get("/anthropic/eu/v1/models?limit=1000")).text);
    expect(claude.data.map((entry: { id: string }) => entry.id)).toContain("claude");
    expect(claude.data.map((entry: { id: string }) => entry.id)).not.toContain("claude-us");
    expect(claude.data[0]).toEqual({ type: "model", id: "claude", display_name: "claude", created_at: expect.any(String) });
    expect(claude).toMatchObject({ has_more: false, first_id: "claude" });
    const gpt = JSON.parse((await world.get("/openai/us/v1/models")).text);
    expect(gpt.object).toBe("list");
    expect(gpt.data.map((entry: { id: string }) => entry.id).sort()).toEqual(["gpt", "gpt-us"]);
    expect(gpt.data[0]).toEqual({ id: "gpt", object: "model", created: expect.any(Number), owned_by: expect.any(String) });

    const one = await world.get("/anthropic/eu/v1/models/claude");
    expectIds(one);
    expect(JSON.parse(one.text).id).toBe("claude");
    expect(JSON.parse((await world.get("/api/public/openai/us/v1/models/gpt-us/")).text).id).toBe("gpt-us");
    expectFailure(anthropic, await world.get("/anthropic/eu/v1/models/claude-us"), "not_found_model");
    expectFailure(openai, await world.get("/openai/eu/v1/models", null), "unauthenticated");
  });

  world.sentence(
    "a path with several methods lists them all in the allow header of a 405, and no other answer has this header",
    async () => {
      const wrong = await world.call({ method: "PATCH", path: "/openai/eu/v1/responses/resp_1" }).answered;
      expectFailure(openai, wrong, "not_allowed");
      expect(wrong.headers.get("allow")).toBe("GET, HEAD, DELETE");
      const head = await world.call({ method: "HEAD", path: "/anthropic/eu/v1/messages" }).answered;
      expect([head.status, head.headers.get("allow")]).toEqual([405, "POST"]);
      for (const path of ["/nowhere", "/healthz"]) {
        const answered = await world.call({ method: "GET", path }).answered;
        expect([path, answered.headers.has("allow")]).toEqual([path, false]);
      }
    },
  );

  world.sentence(
    "where a model is asked for on the route of another protocol, the answer says which one has it, and the log has its name",
    async () => {
      const onOpenai = await world.ask(openai, { more: { model: "claude" } });
      expect(expectFailure(openai, onOpenai, "not_found_model").message).toMatch(
        /served in eu.* by: POST \/anthropic\/\{region\}\/v1\/messages/,
      );
      world.expectLine(onOpenai, { refused_model: "claude" });
      const onAnthropic = await world.ask(anthropic, { more: { model: "gpt" } });
      expect(expectFailure(anthropic, onAnthropic, "not_found_model").message).toContain("POST /openai/{region}/v1/chat/completions");
      const nowhere = await world.ask(openai, { more: { model: `a b"\n${"x".repeat(100)}` } });
      expect(expectFailure(openai, nowhere, "not_found_model").message).not.toContain("by: POST");
      expect(String((await world.logged(nowhere)).refused_model)).toMatch(/^a\?b\?\?x{59}$|^\?$/);
      const secret = await world.ask(openai, { more: { model: "weir_not_a_model_but_a_key" } });
      expect(await world.logged(secret)).toMatchObject({ refused_model: "?" });
    },
  );

  world.sentence("/healthz says that it is alive, /readyz its status alone, and on the admin port what each part does", async () => {
    expect((await world.get("/healthz", null)).status).toBe(200);
    const ready = await world.get("/readyz", null);
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.text)).toEqual({ status: "ready" });
    const detail = await fetch(`${world.weir.adminUrl}/readyz`);
    expect(detail.status).toBe(200);
    expect(await detail.json()).toMatchObject({
      status: "ready",
      gateway: expect.any(String),
      limiter: expect.any(String),
      directory: expect.stringContaining("4 of config"),
      configuration: expect.any(String),
      workers: expect.stringContaining("2 of 2"),
    });
    expect((await fetch(`${world.weir.adminUrl}/healthz`)).status).toBe(200);
  });
}

function specifyRoute(world: World, dialect: Spoken): void {
  const at = (region: string) => dialect.path.replace("/eu/", `/${region}/`);

  world.sentence("each region is served by its own upstream", async () => {
    for (const region of ["eu", "us"]) {
      const answered = await world.ask(dialect, { path: at(region), prompt: `which region? ${region}` });
      expect(answered.status).toBe(200);
      const call = world.sandbox.calls.recent.at(-1);
      if (dialect === anthropic) expect(call?.region).toBe(region === "eu" ? "eu-central-1" : "us-east-1");
      else expect(call?.body).toMatchObject({ model: `gpt-4o-${region}` });
      world.expectLine(answered, { region, upstream: `${dialect === anthropic ? "bedrock" : "azure"}-${region}` });
    }
  });

  world.sentence("the query is ignored; a slash at the end, doubled slashes and /api/public do no harm", async () => {
    const { path } = dialect;
    const doubled = `/${path.replace("/v1/", "//v1/")}`;
    for (const variant of [`${path}?beta=true&x=%zz`, `${path}/`, doubled, `/api/public${path}`, `//api/public/${path}/?a=1`]) {
      const answered = await world.ask(dialect, { path: variant });
      expect([variant, answered.status]).toEqual([variant, 200]);
    }
  });

  world.sentence("an unknown region is a 404 that lists the regions", async () => {
    const error = expectFailure(dialect, await world.ask(dialect, { path: at("mars") }), "not_found_region");
    expect(error.message).toMatch(/mars.*eu, us/);
  });

  world.sentence("a part of a path may be percent-encoded; one whose encoding is broken is the name of nothing", async () => {
    const encoded = await world.ask(dialect, { path: dialect.path.replace("/eu/", "/%65u/") });
    expect(encoded.status).toBe(200);
    for (const variant of [at("%zz"), at("%25zz"), `/${at("%zz")}`])
      expectFailure(dialect, await world.ask(dialect, { path: variant }), "not_found_region");
    for (const id of ["%zz", "%2565", "clau%2564e", "a%2Fb"]) {
      const models = dialect.path.replace(dialect.route, `/v1/models/${id}`);
      expectFailure(dialect, await world.get(models), "not_found_model");
    }
  });

  world.sentence("an unknown model is a 404 that lists the models of the region, or says where it is", async () => {
    const unknown = expectFailure(dialect, await world.ask(dialect, { more: { model: "nobody-knows-it" } }), "not_found_model");
    expect(unknown.message).toContain("nobody-knows-it");
    expect(unknown.message).toContain(`${dialect.family}-recorded`);
    const elsewhere = expectFailure(dialect, await world.ask(dialect, { more: { model: `${dialect.family}-us` } }), "not_found_model");
    expect(elsewhere.message).toMatch(/served in: us/);
    const other = dialect === anthropic ? "gpt" : "claude";
    expectFailure(dialect, await world.ask(dialect, { more: { model: other } }), "not_found_model");
  });

  world.sentence("refusals come in one order: route and region, key, size, JSON and schema, model", async () => {
    const huge = "x".repeat(7 * 1024 * 1024);
    const broken = `{"model": "nobody", "messages": 5`;
    expectFailure(dialect, await world.ask(dialect, { path: at("mars"), key: null, body: broken }), "not_found_region");
    expectFailure(dialect, await world.ask(dialect, { key: null, body: huge }), "unauthenticated");
    expectFailure(dialect, await world.ask(dialect, { key: EXPIRED_KEY, body: broken }), "unauthenticated");
    expectFailure(dialect, await world.ask(dialect, { body: huge }), "too_large");
    expectFailure(dialect, await world.ask(dialect, { body: broken }), "invalid");
    expectFailure(dialect, await world.ask(dialect, { more: { model: "nobody", temperature: 9 } }), "invalid");
    expectFailure(dialect, await world.ask(dialect, { more: { model: "nobody" } }), "not_found_model");
  });

  world.sentence("another method is a 405 that names the right one, also in the allow header", async () => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answered = await world.call({ method, path: dialect.path }).answered;
      expect(expectFailure(dialect, answered, "not_allowed").message).toContain("POST");
      expect(answered.headers.get("allow")).toBe("POST");
    }
    const models = await world.call({ path: `/api/public${dialect.path.replace(dialect.route, "/v1/models")}/` }).answered;
    expectFailure(dialect, models, "not_allowed");
    expect(models.headers.get("allow")).toBe("GET, HEAD");
  });
}
