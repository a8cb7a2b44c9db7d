import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseFormat, readable } from "../../../src/log/readable.ts";

const line = (fields: object) => `${JSON.stringify({ level: "info", time: "2026-11-29T06:00:01.042Z", ...fields })}\n`;

test("a line for a person is its time, its level, its message and its fields; what is no line of the log stays as it is", () => {
  const lines = line({ port: 8080, runtime: "bun 1.4.5", upstream: "", waiting: ["a"], message: "listening" });
  expect(readable(`  Try it:\n${lines}{no json}\n{"level":1}\n\n`)).toMatch(
    /^ {2}Try it:\n\d\d:\d\d:01\.042 INFO {2}listening {2}port=8080 runtime="bun 1\.4\.5" waiting=\["a"\]\n\{no json\}\n\{"level":1\}\n\n$/,
  );
});

test("nothing in a line for a person can command the terminal", () => {
  const hostile = "a\u001b[2Jb\u009bc\u0007d\u202ee\u007ff";
  const text = readable(line({ name: hostile, message: hostile.slice(5) }));
  expect(text).toEndWith("\n");
  expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test("it is for a terminal by itself, JSON for everything else, and what WEIR_LOG_FORMAT says before that", () => {
  const chosen = [undefined, "", "json", "text", "pretty"].map((wanted) => [chooseFormat(wanted, true), chooseFormat(wanted, false)]);
  expect(chosen).toEqual([
    ["text", "json"],
    ["text", "json"],
    ["json", "json"],
    ["text", "text"],
    ["text", "json"],
  ]);
});

test("a gateway at a terminal writes such lines, also those of its processes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-terminal-"));
  const file = join(folder, "weir.yaml");
  const upstreams = { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1" } };
  const server = { host: "127.0.0.1", port: 0, drain_grace: "0s" };
  try {
    for (const [processes, environment] of [
      [1, {}],
      [2, {}],
      [1, { WEIR_LOG_FORMAT: "json" }],
    ] as const) {
      writeFileSync(file, JSON.stringify({ server, admin: { port: 0 }, workers: 1, processes, upstreams }));
      const listens = Promise.withResolvers<void>();
      let text = "";
      const decoder = new TextDecoder();
      const gateway = Bun.spawn([process.execPath, join(import.meta.dir, "../../../src/main.ts"), "--config", file], {
        env: { ...process.env, ...environment },
        terminal: {
          cols: 4_000,
          data(_, bytes) {
            text += decoder.decode(bytes, { stream: true });
            if (/admin_port[^\n]*\n/.test(text)) listens.resolve();
          },
        },
      });
      await listens.promise;
      gateway.kill("SIGTERM");
      expect(await gateway.exited).toBe(0);
      if ("WEIR_LOG_FORMAT" in environment) expect(text).toMatch(/^\{"level":"info".*"message":"listening"\}\r?$/m);
      else {
        expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}listening {2}port=\d+ admin_port=\d+ runtime="bun \S+"/m);
        expect(text).not.toContain('{"level"');
      }
      if (processes > 1) expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}a process listens {2}started=0 pid=\d+\r?$/m);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 30_000);
