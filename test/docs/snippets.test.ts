/** What a developer pastes from `/docs`, run as it is, against a gateway in sandbox mode. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { NOW } from "../spec/clients/requirements.ts";
import { pythonWith } from "../support/python.ts";
import { startWeir, type Weir } from "../support/weir.ts";

const ROOT = join(import.meta.dir, "../..");
const haveCurl = spawnSync("curl", ["--version"]).status === 0;
const python = pythonWith(NOW);
/** Every `curl` of a pasted text fails where the answer is an error. */
const STRICT_CURL = 'set -eu\ncurl() { command curl --fail-with-body --silent --show-error "$@"; }\n';
const TIMEOUT_MS = 20_000;

let weir: Weir;
let key = "";
let page = "";
beforeAll(async () => {
  weir = await startWeir({ environment: { PORT: "0", ADMIN_PORT: "0" } });
  await weir.logged((line) => line.sandbox === true);
  key = /weir_demo[\w-]+/.exec(weir.output())?.[0] ?? "";
  page = await (await fetch(`${weir.url}/docs`)).text();
}, TIMEOUT_MS);
afterAll(() => void weir.child.kill("SIGKILL"));

const CHARACTERS: Readonly<Record<string, string>> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };
const asText = (html: string) => html.replaceAll(/&\w+;/g, (entity) => CHARACTERS[entity] ?? entity);

function snippet(id: string): string {
  const html = new RegExp(`<div id="start-${id}"><pre><code>([\\s\\S]*?)</code>`).exec(page)?.[1];
  if (html === undefined) throw new Error(`the page has no snippet called ${id}`);
  return asText(html);
}

async function run(program: string, words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(program, words, { cwd: ROOT, env: { ...process.env, WEIR_KEY: key }, stdio: ["ignore", "pipe", "pipe"] });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...said };
}

/** The program ended well, and printed what was expected. */
function expectSaid({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>, shown: RegExp): void {
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(shown);
}

describe("what /docs shows", () => {
  test("holds a snippet for every kind of client, and each names this gateway", () => {
    const ids = [...page.matchAll(/<div id="start-([\w-]+)">/g)].map(([, id = ""]) => id);
    const known = ["curl", "claude-code", "anthropic-python", "anthropic-typescript", "openai-python", "openai-typescript"];
    expect(ids).toEqual(known);
    for (const id of ids) expect(snippet(id)).toContain(`"${weir.url}/`);
  });

  test.skipIf(!haveCurl)("runs in a shell: the curl line, and each route's own", async () => {
    expectSaid(await run("sh", ["-c", STRICT_CURL + snippet("curl")]), /"type":"text","text":"\S/);
    const examples = [...page.matchAll(/<h4>Example<\/h4><pre><code>([\s\S]*?)<\/code>/g)].map(([, html = ""]) => asText(html));
    expect(examples.length).toBeGreaterThan(12);
    // The last routes are for answers that the same client has made before.
    const [asked, kept] = [false, true].map((isKept) => examples.filter((text) => text.includes("/resp_01") === isKept)) as [
      string[],
      string[],
    ];
    for (const { stdout } of await Promise.all(kept.map((text) => run("sh", ["-c", text.replace(/^curl /, "curl -s ")]))))
      expect(stdout).toContain("Nothing is stored here");
    const answers = await Promise.all(asked.map((text) => run("sh", ["-c", STRICT_CURL + text])));
    for (const [at, { code, stdout }] of answers.entries()) expect([asked[at], code, stdout !== ""]).toEqual([asked[at], 0, true]);
  });

  test.skipIf(!haveCurl)("tells Claude Code where to go: what it sets is enough for a call", async () => {
    const call = `curl "$ANTHROPIC_BASE_URL/v1/messages" -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" -H "content-type: application/json" \\
      -d '{"model":"'"$ANTHROPIC_MODEL"'","max_tokens":20,"messages":[{"role":"user","content":"Hello!"}]}'`;
    const pasted = snippet("claude-code").split("\n");
    expect(pasted.pop()).toBe("claude");
    expectSaid(await run("sh", ["-c", `${STRICT_CURL}${pasted.join("\n")}\n${call}`]), /"type":"message"/);
  });

  test.each(["anthropic-typescript", "openai-typescript"])("runs in TypeScript: %s", async (id) => {
    expectSaid(await run(process.execPath, ["-e", snippet(id)]), /\w/);
  });

  for (const id of ["anthropic-python", "openai-python"]) {
    test.skipIf(python.program === undefined)(
      `runs in Python: ${id}${python.missing === undefined ? "" : ` [not run: ${python.missing}]`}`,
      async () => expectSaid(await run(python.program ?? "", ["-c", snippet(id)]), /\w/),
      TIMEOUT_MS,
    );
  }
});
