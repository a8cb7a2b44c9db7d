/** What the line of a call says of its client, which calls have a line, and what a reload says of itself. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { azureIn, bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually } from "../../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

const KEY = "weir_log_calls_Vd8Tq2Lm5Zr";
const ADMIN_TOKEN = "log-calls-admin-token-5b1c8e";
const FREE = { rpm: 1_000_000, tpm: 1_000_000_000 };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

function configuration(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    workers: 1,
    server: { trusted_proxies: ["127.0.0.0/8", "::1"] },
    admin: { token: ADMIN_TOKEN },
    limits: FREE,
    upstreams: {
      b: bedrockIn("eu", sandbox),
      a: azureIn("eu", sandbox),
    },
    models: {
      claude: { targets: [{ upstream: "b", model: HAIKU }] },
      gpt: { targets: [{ upstream: "a", model: "gpt-4o" }] },
    },
    workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
    ...more,
  };
}

interface Question {
  headers?: Record<string, string>;
  more?: Record<string, unknown>;
  prompt?: string;
  route?: "anthropic" | "openai";
}

async function ask(weir: Weir, { headers = {}, more = {}, prompt = "Hello", route = "anthropic" }: Question = {}): Promise<Response> {
  const [path, model] = route === "anthropic" ? ["/anthropic/eu/v1/messages", "claude"] : ["/openai/eu/v1/chat/completions", "gpt"];
  const body = JSON.stringify({ model, max_tokens: 20, messages: [{ role: "user", content: prompt }], ...more });
  const answer = await fetch(`${weir.url}${path}`, { method: "POST", headers: { "x-api-key": KEY, ...headers }, body });
  await answer.text();
  return answer;
}

const lineOf = (weir: Weir, answer: Response) =>
  weir.logged(({ message, request_id }) => message === "request" && request_id === answer.headers.get("request-id"));

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`the line of a call on ${runtime}`, () => {
    let weir: Weir;
    beforeAll(async () => {
      weir = await startWeir({ runtime, config: configuration() });
    }, 20_000);
    afterAll(async () => {
      await weir.collect();
      await weir.stop();
    });

    test("says its status, its client's address behind trusted proxies, user agent, session, tag and user", async () => {
      const answer = await ask(weir, {
        headers: {
          "x-forwarded-for": "198.51.100.1, 203.0.113.9",
          "user-agent": "claude-cli/2.1.0 (external, cli)",
          "x-claude-code-session-id": "5f0c1f1e-8f9a-4d0f-9a55-1de6ea3dc3d2",
          "x-weir-tag": "nightly/eval:7",
        },
        more: { metadata: { user_id: '{"device_id":"d1","session_id":"s-2"}' } },
      });
      expect(await lineOf(weir, answer)).toMatchObject({
        status: 200,
        outcome: "ok",
        key_id: expect.stringMatching(/^key_/),
        client: "203.0.113.9",
        user_agent: "claude-cli/2.1.0 (external, cli)",
        session: "5f0c1f1e-8f9a-4d0f-9a55-1de6ea3dc3d2",
        tag: "nightly/eval:7",
        user: '{"device_id":"d1","session_id":"s-2"}',
        attempts: 1,
      });
    });

    test("takes the user of the OpenAI protocol from either of its fields", async () => {
      expect(await lineOf(weir, await ask(weir, { route: "openai", more: { user: "old-user" } }))).toMatchObject({ user: "old-user" });
      const both = await ask(weir, { route: "openai", more: { user: "old-user", safety_identifier: "new-user" } });
      expect(await lineOf(weir, both)).toMatchObject({ user: "new-user" });
    });

    test("knows the user of a body that a worker reads", async () => {
      const answer = await ask(weir, { prompt: "long ".repeat(20_000), more: { metadata: { user_id: "of-a-large-body" } } });
      expect(answer.status).toBe(200);
      expect(await lineOf(weir, answer)).toMatchObject({ user: "of-a-large-body" });
    });

    test("an answer says where its time went where that is asked for, and only there", async () => {
      expect((await ask(weir)).headers.has("server-timing")).toBe(false);
      const timed = { headers: { "x-weir-timing": "1" } };
      const questions: [Question, string[]][] = [
        [timed, ["auth", "body", "queue", "upstream", "total"]],
        [{ ...timed, prompt: "long ".repeat(20_000) }, ["auth", "body", "weigh", "queue", "upstream", "total"]],
        [{ ...timed, prompt: "[sandbox: delay ms=60]", more: { stream: true } }, ["auth", "body", "queue", "upstream", "total"]],
        [{ ...timed, more: { max_tokens: "x" } }, ["auth", "body", "total"]],
      ];
      for (const [question, phases] of questions) {
        const told = (await ask(weir, question)).headers.get("server-timing") ?? "";
        const durations = new Map([...told.matchAll(/(\w+);dur=([0-9.]+)(?:, |$)/g)].map(([, name = "", ms]) => [name, Number(ms)]));
        expect([...durations.keys()].filter((name) => name !== "limit")).toEqual(phases);
        const total = durations.get("total") ?? 0;
        const parts = [...durations].reduce((sum, [name, ms]) => (name === "total" ? sum : sum + ms), 0);
        expect(parts).toBeLessThanOrEqual(total + 0.01);
        if (question.prompt?.includes("delay")) expect(durations.get("upstream")).toBeGreaterThan(50);
      }
      const nobody = await ask(weir, { headers: { "x-weir-timing": "1", "x-api-key": "weir_nobody" } });
      expect(nobody.headers.has("server-timing")).toBe(false);
    });

    test("has the status of what was refused, also where the client is not known", async () => {
      expect(await lineOf(weir, await ask(weir, { more: { max_tokens: "x" } }))).toMatchObject({ status: 400, outcome: "invalid_request" });
      const nobody = await ask(weir, { headers: { "x-api-key": "weir_nobody", "x-weir-tag": "t" } });
      expect(await lineOf(weir, nobody)).toMatchObject({ status: 401, outcome: "unauthenticated", tag: "t", client: expect.any(String) });
      const limited = await ask(weir, { prompt: "[sandbox: throttle]" });
      expect(await lineOf(weir, limited)).toMatchObject({ status: limited.status, outcome: "upstream_rate_limited" });
    });

    // Deno overlooks now and then that a client has left before its answer began.
    test.skipIf(runtime === "deno")("has 499 where the client left before its answer began", async () => {
      const gone = new AbortController();
      const body = JSON.stringify({ model: "claude", max_tokens: 5, messages: [{ role: "user", content: "[sandbox: delay ms=5000]" }] });
      const headers = { "x-api-key": KEY, "x-weir-tag": "gone" };
      const before = sandbox.calls.counts.opened;
      const asked = fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers, body, signal: gone.signal });
      await eventually(() => sandbox.calls.counts.opened > before, "the call at the upstream");
      gone.abort();
      await asked.catch(() => {});
      expect(await weir.logged(({ tag }) => tag === "gone")).toMatchObject({ status: 499, outcome: "cancelled" });
    });

    test("cuts what a client says of itself, and takes nothing from it that could break a line or be a key", async () => {
      const answer = await ask(weir, {
        headers: {
          "user-agent": `${"a".repeat(119)}"\\é${"b".repeat(500)}`,
          "x-weir-tag": `two words;${"x".repeat(200)}`,
          "x-claude-code-session-id": KEY,
          "x-forwarded-for": '","level":"error',
        },
        more: { metadata: { user_id: `Tell me a "secret" ${"y".repeat(200)}` } },
      });
      const line = await lineOf(weir, answer);
      expect(line).toMatchObject({ user_agent: `${"a".repeat(119)}?`, tag: `two?words?${"x".repeat(54)}`, session: "?", level: "info" });
      expect(String(line.user)).toMatch(/^Tell\?me\?a\?"secret"\?y+$/);
      expect(weir.output()).not.toContain(KEY);
    });

    test("a sign-in that the admin listener refuses is logged with the client's address, not the proxy's", async () => {
      const headers = { authorization: "Bearer wrong-token-0123456789", "x-forwarded-for": "203.0.113.44" };
      expect((await fetch(`${weir.adminUrl}/admin/v1/workspaces`, { headers })).status).toBe(401);
      expect(await weir.logged(({ message, address }) => message === "audit" && address === "203.0.113.44")).toMatchObject({
        action: "sign_in.refused",
      });
    });
  });
}

test("every answer says where its time went where server.server_timing is always", async () => {
  const weir = await startWeir({ config: configuration({ server: { server_timing: "always" } }) });
  expect((await ask(weir)).headers.get("server-timing")).toMatch(/^auth;dur=.*total;dur=/);
  await weir.stop();
}, 15_000);

describe("which calls have a line", () => {
  test("of good calls a share, which each line tells; of failed and slow ones all; and a reload changes it", async () => {
    const weir = await startWeir({ config: configuration({ log: { sample: 0, slow: "1h" } }) });
    const requests = () => weir.log().filter(({ message }) => message === "request");
    for (let count = 0; count < 20; count++) await ask(weir);
    await lineOf(weir, await ask(weir, { more: { max_tokens: "x" } }));
    expect(requests()).toHaveLength(1);

    weir.rewrite(configuration({ log: { sample: 0, slow: "0s", attribution: false } }));
    await weir.logged(({ message }) => message === "the configuration is in force");
    const slow = await lineOf(weir, await ask(weir, { headers: { "x-weir-tag": "private" } }));
    expect(slow).toMatchObject({ outcome: "ok" });
    for (const field of ["sample", "client", "user_agent", "tag", "session"]) expect(slow).not.toHaveProperty(field);

    weir.rewrite(configuration({ log: { sample: 0.999, slow: "1h" } }));
    await weir.logged(({ message, changed }) => message === "the configuration is in force" && String(changed).includes("log.sample"));
    // That all of these are left out happens once in 10^24 runs.
    let sampled: Record<string, unknown> | undefined;
    for (let count = 0; count < 8 && sampled === undefined; count++) {
      const answer = await ask(weir, { headers: { "x-weir-tag": `sampled-${count}` } });
      await lineOf(weir, await ask(weir, { more: { max_tokens: "x" } }));
      sampled = requests().find(({ request_id }) => request_id === answer.headers.get("request-id"));
    }
    expect(sampled).toMatchObject({ outcome: "ok", sample: 0.999 });
    await weir.stop();
  }, 15_000);
});

test("a reload names what changed, and no value", async () => {
  const weir = await startWeir({ config: configuration() });
  weir.rewrite(configuration({ limits: { ...FREE, rpm: 987_654 }, workspaces: { acme: {}, beta: {} } }));
  const line = await weir.logged(({ message }) => message === "the configuration is in force");
  expect(line).toMatchObject({
    added: ["workspaces.beta"],
    removed: ["workspaces.acme.keys.ci"],
    changed: expect.arrayContaining(["limits.rpm", "workspaces.acme.default_region"]),
  });
  expect(JSON.stringify(line)).not.toContain("987654");
  await weir.stop();
}, 15_000);
