/** Sandbox mode: what a user sees who starts Weir without any configuration. */
import { expect } from "bun:test";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BY_NPM, MAIN, startWeir } from "../support/weir.ts";
import { anthropic, openai } from "./dialects.ts";
import type { World } from "./world.ts";

export function specifyDemo(world: World): void {
  world.sentence(
    "with no configuration it starts in sandbox mode and prints its address, a key and two curl lines that work when pasted",
    async () => {
      const weir = await startWeir({ runtime: world.runtime, environment: { PORT: "0", ADMIN_PORT: "0" } });
      try {
        await weir.logged((line) => line.sandbox === true);
        const lines = curlLines(weir.output());
        expect(lines).toHaveLength(2);
        const key = /weir_\S+?(?=["'\s])/.exec(weir.output())?.[0];
        expect(key).toBeString();
        expect(weir.output()).toContain(weir.url.replace("http://127.0.0.1", ""));
        expect(weir.log().find((line) => line.level === "warn")?.message).toMatch(/sandbox/);
        const answers = await Promise.all(lines.map(run));
        const streamed = answers.filter((answer) => answer.includes("data: "));
        expect(streamed).toHaveLength(1);
        for (const answer of answers) {
          const dialect = answer.includes("chat.completion") ? openai : anthropic;
          if (answer.includes("data: ")) {
            expect(dialect.isComplete(answer)).toBe(true);
            expect(dialect.streamedText(answer)).not.toBe("");
          } else expect(dialect.textOf(answer)).not.toBe("");
        }
        const answered = await world.call({ method: "GET", path: "/anthropic/eu/v1/models", headers: { "x-api-key": key ?? "" } }, weir)
          .answered;
        expect([answered.status, answered.headers.get("x-weir-sandbox")]).toEqual([200, "true"]);
        const refused = await world.call({ method: "GET", path: "/openai/eu/v1/models" }, weir).answered;
        expect([refused.status, refused.headers.get("x-weir-sandbox")]).toEqual([401, "true"]);
      } finally {
        weir.child.kill("SIGKILL");
      }
    },
    20_000,
  );

  world.sentence(
    "in sandbox mode keys can be made with the admin token that is printed, and token and key are the same at the next start in this folder",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "weir-demo-"));
      const told: string[][] = [];
      try {
        for (let round = 0; round < 2; round++) {
          const weir = await startWeir({ runtime: world.runtime, environment: { PORT: "0", ADMIN_PORT: "0", ...BY_NPM }, folder });
          try {
            await weir.logged(() => weir.output().includes("docs/configuration.md"));
            const [, docs = ""] = /^ {4}docs +(\S+)$/m.exec(weir.output()) ?? [];
            const [, key = ""] = /^ {4}key +(\S+)$/m.exec(weir.output()) ?? [];
            const [, token = ""] = /^ {4}admin token +(\S+)$/m.exec(weir.output()) ?? [];
            told.push([key, token]);
            // A machine with Deno may have no npm.
            const [, program = ""] = /^ {4}(.*) workspaces create research/m.exec(weir.output()) ?? [];
            expect(program).toBe(world.runtime === "deno" ? `deno run -A ${MAIN}` : "npx weir");
            expect((await fetch(docs)).status).toBe(200);
            const made = await fetch(`${weir.adminUrl}/admin/v1/workspaces/demo/keys`, {
              method: "POST",
              headers: { authorization: `Bearer ${token}` },
              body: JSON.stringify({ name: `round-${round}` }),
            });
            const { key: own } = (await made.json()) as { key: string };
            for (const each of [own, key]) {
              const asked = { method: "GET", path: "/anthropic/eu/v1/models", headers: { "x-api-key": each } };
              expect((await world.call(asked, weir).answered).status).toBe(200);
            }
          } finally {
            await weir.stop();
          }
        }
        expect(told[0]).toEqual(told[1] ?? []);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    20_000,
  );

  world.sentence("with a configuration nothing says sandbox", async () => {
    const answered = await world.ask(anthropic);
    expect(answered.headers.has("x-weir-sandbox")).toBe(false);
  });

  world.sentence("with no configuration a port that is taken is no obstacle: the next free one is used and printed", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as { port: number };
    const weir = await startWeir({ runtime: world.runtime, environment: { PORT: String(port), ADMIN_PORT: "0" } });
    server.close();
    const used = Number(new URL(weir.url).port);
    expect(used).toBeWithin(port + 1, port + 50);
    await weir.logged(() => weir.output().includes(`:${used}/`));
    expect(weir.output()).toContain(`  Port ${port} is taken, perhaps by another Weir: this one uses ${used}.\n`);
    weir.child.kill("SIGKILL");
  });
}

/** The printed commands, each with the lines that a backslash joins to it. */
function curlLines(output: string): string[] {
  return [...output.matchAll(/^\s*(curl (?:.*\\\n)*.*)$/gm)].map((match) => match[1] ?? "");
}

/** Runs a command as a person would, who pastes it into a shell. */
function run(command: string): Promise<string> {
  const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "ignore"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve) => child.on("close", () => resolve(said)));
}
