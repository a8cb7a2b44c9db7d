/** Web pages of other origins: what their browsers ask, and what the answers say to them (envoy ai-gateway#965; gpt-load#566). */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually } from "../../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

const KEY = "weir_cors_acme_Hn4Vb8Ts2Kq";
const PAGE = "https://app.example";
const OTHER_PAGE = "http://localhost:3000";
const STRANGER = "https://elsewhere.example";
const MESSAGES = "/anthropic/eu/v1/messages";
/** What the SDK of TypeScript sends with `dangerouslyAllowBrowser`. */
const ASKED = "anthropic-dangerous-direct-browser-access,anthropic-version,authorization,content-type,x-api-key,x-stainless-arch";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

function configuration(cors?: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    workers: 1,
    server: { ...(cors === undefined ? {} : { cors }), ...more },
    upstreams: { b: bedrockIn("eu", sandbox) },
    models: { claude: { targets: [{ upstream: "b", model: HAIKU }] } },
    workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
  };
}

function preflight(weir: Weir, origin: string, { path = MESSAGES, names = ASKED, method = "POST" } = {}): Promise<Response> {
  const headers: Record<string, string> = { origin, "access-control-request-method": method };
  if (names !== "") headers["access-control-request-headers"] = names;
  return fetch(`${weir.url}${path}`, { method: "OPTIONS", headers });
}

interface Question {
  origin?: string | undefined;
  key?: string;
  more?: Record<string, unknown>;
  path?: string;
}

function ask(weir: Weir, { origin, key = KEY, more = {}, path = MESSAGES }: Question = {}): Promise<Response> {
  const body = JSON.stringify({ model: "claude", max_tokens: 20, messages: [{ role: "user", content: "Hello" }], ...more });
  const headers = { "x-api-key": key, "content-type": "application/json", ...(origin === undefined ? {} : { origin }) };
  return fetch(`${weir.url}${path}`, { method: "POST", headers, body });
}

/** What an answer says to pages. */
function said({ headers }: Response): Record<string, string> {
  const names = [...headers.keys()].filter((name) => name.startsWith("access-control-") || name === "vary").sort();
  return Object.fromEntries(names.map((name) => [name, headers.get(name) ?? ""]));
}

const names = (answer: Response) => (answer.headers.get("access-control-allow-headers") ?? "").split(", ");

const counted = async (weir: Weir) => {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  return [...text.matchAll(/^weir_requests_total\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
};

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`pages of other origins on ${runtime}`, () => {
    const started: Weir[] = [];
    const start = async (cors?: Record<string, unknown>) => {
      const weir = await startWeir({ runtime, config: configuration(cors) });
      started.push(weir);
      return weir;
    };
    let listed: Weir;
    let open: Weir;
    let closed: Weir;
    beforeAll(async () => {
      [listed, open, closed] = await Promise.all([
        start({ origins: ["HTTPS://App.example:443", OTHER_PAGE], max_age: "10m" }),
        start({ origins: "*" }),
        start(),
      ]);
    }, 30_000);
    afterAll(async () => {
      for (const weir of started) {
        await weir.collect();
        await weir.stop();
      }
    }, 20_000);

    test("a preflight of a listed origin is answered without a key, and nothing else of it is counted or logged", async () => {
      expect((await ask(listed)).status).toBe(200);
      const before = await counted(listed);
      expect(before).toBeGreaterThan(0);
      for (const origin of [PAGE, OTHER_PAGE]) {
        const answer = await preflight(listed, origin);
        expect(answer.status).toBe(204);
        expect(await answer.text()).toBe("");
        expect(said(answer)).toEqual({
          "access-control-allow-origin": origin,
          "access-control-allow-methods": "POST, GET, DELETE",
          "access-control-allow-headers": ASKED.replaceAll(",", ", "),
          "access-control-max-age": "600",
          vary: "Origin, Access-Control-Request-Headers",
        });
      }
      expect(await counted(listed)).toBe(before);
      // Whatever a preflight would say of itself comes before the line of a call that ends after it.
      const last = await ask(listed);
      await listed.logged(({ request_id }) => request_id === last.headers.get("request-id"));
      expect(listed.log().filter(({ message }) => message === "request")).toHaveLength(2);
    });

    test("every route is asked for in this way, and so is a path that is none: the page is to read why", async () => {
      for (const path of ["/openai/eu/v1/chat/completions", "/v1/models", "/api/public/anthropic/eu/v1/messages", "/v1/mesages"])
        expect([path, (await preflight(listed, PAGE, { path })).status]).toEqual([path, 204]);
      const answer = await ask(listed, { origin: PAGE, path: "/v1/mesages" });
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([404, PAGE]);
    });

    test("names of headers are taken where they are names, and not without end", async () => {
      expect(names(await preflight(listed, PAGE, { names: "x-api-key , x bad,, y:z,<b>,X-Weir-Tag" }))).toEqual([
        "x-api-key",
        "X-Weir-Tag",
      ]);
      expect((await preflight(listed, PAGE, { names: "" })).headers.has("access-control-allow-headers")).toBe(false);
      expect((await preflight(listed, PAGE, { names: "<,>" })).headers.has("access-control-allow-headers")).toBe(false);
      const many = Array.from({ length: 1_000 }, (_, at) => `x-${at}`);
      expect(names(await preflight(listed, PAGE, { names: many.join(",") }))).toEqual(many.slice(0, 100));
    });

    test("a page that is not listed is refused by name, and can read no answer", async () => {
      const asked = await preflight(listed, STRANGER);
      expect(asked.status).toBe(405);
      expect(said(asked)).toEqual({ vary: "Origin" });
      expect(await asked.text()).toContain(`Pages of ${STRANGER} may not call this gateway: server.cors.origins`);
      for (const origin of [STRANGER, "null", `${PAGE}:8443`, "http://app.example", "https://app.example.evil.example"]) {
        expect((await preflight(listed, origin)).status).toBe(405);
        const answer = await ask(listed, { origin });
        expect([answer.status, said(answer)]).toEqual([200, { vary: "Origin" }]);
      }
      expect(said(await ask(listed))).toEqual({ vary: "Origin" });
    });

    test("whole answers, streams, errors and lists may be read by a listed page, with all their headers", async () => {
      const answers: [status: number, answer: Response][] = [
        [200, await ask(listed, { origin: PAGE })],
        [200, await ask(listed, { origin: PAGE, more: { stream: true } })],
        [400, await ask(listed, { origin: PAGE, more: { messages: 5 } })],
        [401, await ask(listed, { origin: PAGE, key: "weir_nobody" })],
        [404, await ask(listed, { origin: PAGE, more: { model: "nobody" } })],
        [
          200,
          await fetch(`${listed.url}/anthropic/eu/v1/models`, {
            headers: { origin: PAGE, "x-api-key": KEY, "anthropic-version": "2023-06-01" },
          }),
        ],
        [405, await fetch(`${listed.url}${MESSAGES}`, { headers: { origin: PAGE, "x-api-key": KEY } })],
      ];
      for (const [status, answer] of answers) {
        expect(answer.status).toBe(status);
        expect(said(answer)).toEqual({ "access-control-allow-origin": PAGE, "access-control-expose-headers": "*", vary: "Origin" });
        expect((await answer.text()).length).toBeGreaterThan(0);
      }
    });

    test("with a star every page may, and no answer depends on who asks; cookies are let through nowhere", async () => {
      for (const origin of [STRANGER, "null"]) {
        const asked = await preflight(open, origin);
        expect(asked.status).toBe(204);
        expect(said(asked)).toMatchObject({ "access-control-allow-origin": "*", "access-control-max-age": "7200" });
        expect(asked.headers.has("access-control-allow-credentials")).toBe(false);
        const answer = await ask(open, { origin });
        expect(said(answer)).toEqual({ "access-control-allow-origin": "*", "access-control-expose-headers": "*" });
      }
      expect(said(await ask(open))).toEqual({ "access-control-allow-origin": "*", "access-control-expose-headers": "*" });
    });

    test("without the setting a preflight is a 405 that names the setting, and answers say nothing to pages", async () => {
      for (const [path, allow] of [
        [MESSAGES, "POST"],
        ["/openai/eu/v1/models", "GET, HEAD"],
        ["/nothing", ""],
      ] as const) {
        const asked = await preflight(closed, PAGE, { path });
        expect([asked.status, asked.headers.get("allow")]).toEqual([405, allow]);
        expect(said(asked)).toEqual({});
        expect(((await asked.json()) as { error: { message: string } }).error.message).toContain("server.cors.origins");
      }
      expect(said(await ask(closed, { origin: PAGE }))).toEqual({});
    });

    test("an OPTIONS that is no preflight is what it was", async () => {
      for (const weir of [closed, listed, open]) {
        const answer = await fetch(`${weir.url}${MESSAGES}`, { method: "OPTIONS", headers: { "anthropic-version": "2023-06-01" } });
        expect([answer.status, await answer.text()]).toEqual([405, expect.stringContaining("takes POST, not OPTIONS")]);
      }
    });

    test("a change is in force without a restart, and other parts of server go on waiting for one", async () => {
      const weir = await start();
      const status = async (origin: string) => (await preflight(weir, origin)).status;
      const becomes = (origin: string, wanted: number) =>
        eventually(async () => (await status(origin)) === wanted, `preflights of ${origin} are ${wanted}`);
      expect(await status(PAGE)).toBe(405);
      weir.rewrite(configuration({ origins: [PAGE] }));
      await becomes(PAGE, 204);
      const line = await weir.logged(({ message }) => message === "the configuration is in force");
      expect(line).toMatchObject({ changed: ["server.cors"] });
      expect(line).not.toHaveProperty("waiting_for_restart");
      weir.rewrite(configuration({ origins: [OTHER_PAGE] }, { max_calls: 99 }));
      await becomes(OTHER_PAGE, 204);
      expect(await status(PAGE)).toBe(405);
      const second = await weir.logged(({ waiting_for_restart }) => waiting_for_restart !== undefined);
      expect(second).toMatchObject({ waiting_for_restart: ["server"], changed: ["server.cors.origins"] });
      weir.rewrite(configuration());
      await becomes(OTHER_PAGE, 405);
      expect(said(await ask(weir, { origin: OTHER_PAGE }))).toEqual({});
    }, 20_000);
  });
}
