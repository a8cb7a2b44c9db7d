/** A page of another origin in a real browser, with the vendors' SDKs in it: what `server.cors` is for. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { azureIn, bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { keyEntry, startWeir, type Weir } from "../../support/weir.ts";

const KEY = "weir_cors_browser_Zt6Wm3Pd9Fx";
const BROWSER = ["chromium", "chromium-browser", "google-chrome"].map((name) => Bun.which(name)).find((path) => path !== null);
if (BROWSER === undefined) console.info("skipped: there is no Chromium to open a page in (apt install chromium)");

/** What the page does; what came of it goes back to the page's own server. */
const SCRIPT = `
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { url, apiKey } = await (await fetch("/settings")).json();
const anthropic = new Anthropic({ baseURL: url + "/anthropic/eu", apiKey, dangerouslyAllowBrowser: true, maxRetries: 0 });
const openai = new OpenAI({ baseURL: url + "/openai/eu/v1", apiKey, dangerouslyAllowBrowser: true, maxRetries: 0 });
const question = { max_tokens: 50, messages: [{ role: "user", content: "Hello" }] };
const seen = {};
const note = async (name, act) => {
  try { seen[name] = await act(); } catch (thrown) { seen[name] = { failed: thrown.constructor.name, status: thrown.status, message: String(thrown.message), id: thrown.requestID }; }
};
await note("whole", async () => {
  const { data, response } = await anthropic.messages.create({ model: "claude", ...question }).withResponse();
  return { text: data.content[0].text, id: response.headers.get("request-id"), left: response.headers.get("anthropic-ratelimit-requests-remaining") };
});
await note("stream", async () => {
  const { data, response } = await openai.chat.completions.create({ model: "gpt", ...question, stream: true }, { headers: { "x-weir-tag": "page" } }).withResponse();
  let text = "";
  for await (const { choices } of data) text += choices[0]?.delta.content ?? "";
  return { text, id: response.headers.get("x-request-id"), left: response.headers.get("x-ratelimit-remaining-requests") };
});
await note("error", () => anthropic.messages.create({ model: "nobody", ...question }));
await note("cookies", () => fetch(url + "/anthropic/eu/v1/models", { credentials: "include", headers: { "x-api-key": apiKey } }).then(({ status }) => status));
await note("door", () => fetch(url + "/openapi.json").then(({ status }) => status));
await fetch("/seen", { method: "POST", body: JSON.stringify(seen) });
`;

/** What a page has noted of one thing that it did. */
type Note = { text?: string; id?: string; left?: string; failed?: string; status?: number; message?: string } | undefined;

describe.skipIf(BROWSER === undefined)("a page of another origin in Chromium", () => {
  let sandbox: Sandbox;
  let weir: Weir;
  let script: string;
  const folder = mkdtempSync(join(tmpdir(), "weir-page-"));
  const site = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      switch (new URL(request.url).pathname) {
        case "/":
          return new Response(`<!doctype html><script type="module" src="/page.js"></script>`, {
            headers: { "content-type": "text/html" },
          });
        case "/page.js":
          return new Response(script, { headers: { "content-type": "text/javascript" } });
        case "/settings":
          return Response.json({ url: weir.url, apiKey: KEY });
        case "/seen":
          tell((await request.json()) as Record<string, Note>);
          return new Response(null, { status: 204 });
        default:
          return new Response(null, { status: 404 });
      }
    },
  });
  const origin = `http://127.0.0.1:${site.port}`;
  let tell: (seen: Record<string, Note>) => void = () => {};

  function configuration(origins: string[]): Record<string, unknown> {
    return {
      workers: 1,
      server: { cors: { origins } },
      upstreams: {
        b: bedrockIn("eu", sandbox),
        a: azureIn("eu", sandbox),
      },
      models: {
        claude: { targets: [{ upstream: "b", model: HAIKU }] },
        gpt: { targets: [{ upstream: "a", model: "gpt-4o" }] },
      },
      workspaces: { acme: { keys: [keyEntry("page", KEY)] } },
    };
  }

  /** Opens the page, and closes it when it has reported what it saw. */
  async function opened(): Promise<Record<string, Note>> {
    const profile = mkdtempSync(join(folder, "profile-"));
    const words = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      `--user-data-dir=${profile}`,
    ];
    // The page and the gateway are both on this machine, which needs no leave of a person.
    const browser = spawn(BROWSER ?? "", [...words, "--disable-background-networking", `${origin}/`], { stdio: "ignore", detached: true });
    const left = new Promise((resolve) => browser.once("exit", resolve));
    try {
      return await new Promise((resolve, reject) => {
        tell = resolve;
        browser.once("error", reject);
        void left.then((code) => reject(new Error(`the browser ended with ${code} before its page was through`)));
      });
    } finally {
      // Its own processes are of its group.
      if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL");
      await left;
    }
  }

  beforeAll(async () => {
    const entry = join(import.meta.dir, "page-of-cors-browser.js");
    const built = await Bun.build({ entrypoints: [entry], target: "browser", files: { [entry]: SCRIPT } });
    script = (await built.outputs[0]?.text()) ?? "";
    sandbox = await startSandbox();
    weir = await startWeir({ config: configuration([origin]) });
  }, 30_000);

  afterAll(async () => {
    await weir.collect();
    await weir.stop();
    await sandbox.close();
    await site.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  test("calls with either SDK, reads answers, streams, errors and their headers; cookies and pages without a key are out of its reach", async () => {
    const { whole, stream, error, cookies, door } = await opened();
    expect(whole?.text).toMatch(/\w/);
    expect(whole?.id).toMatch(/^req_/);
    expect(Number(whole?.left)).toBeGreaterThan(0);
    expect(stream?.text).toMatch(/\w/);
    expect(stream?.id).toMatch(/^req_/);
    expect(Number(stream?.left)).toBeGreaterThan(0);
    expect(error).toMatchObject({ failed: "NotFoundError", status: 404, message: expect.stringContaining("nobody") as never });
    for (const unreadable of [cookies, door]) expect(unreadable).toMatchObject({ failed: "TypeError", message: "Failed to fetch" });
    await weir.logged(({ message, tag }) => message === "request" && tag === "page");
  }, 60_000);

  test("of an origin that is not listed calls nothing", async () => {
    weir.rewrite(configuration(["https://app.example"]));
    await weir.logged(({ message }) => message === "the configuration is in force");
    const calls = sandbox.calls.recent.length;
    const { whole, stream, error } = await opened();
    for (const refused of [whole, stream, error]) expect(refused?.message).toBe("Connection error.");
    expect(sandbox.calls.recent).toHaveLength(calls);
  }, 60_000);
});
