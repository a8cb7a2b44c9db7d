import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createdKey, usage } from "../../../src/admin/schemas.ts";
import { readLine } from "../../../src/commands/line.ts";
import { AdminWorld, TOKEN } from "./world.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../../docs/admin.md"), "utf8");
const blocks = (kind: string) => [...PAGE.matchAll(new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, "gms"))].map(([, text = ""]) => text);
const haveCurl = spawnSync("curl", ["--version"]).status === 0;

const world = new AdminWorld("bun");
beforeAll(() => world.start(), 20_000);
afterAll(() => world.stop());

test.skipIf(!haveCurl)("the examples of docs/admin.md run as they are, from top to bottom", () => {
  const examples = blocks("sh");
  expect(examples.length).toBeGreaterThan(7);
  const { status, stderr } = spawnSync("sh", ["-eu", "-c", examples.join("\n")], {
    cwd: world.folder,
    encoding: "utf8",
    env: { ...process.env, WEIR_ADMIN_URL: world.weir.adminUrl, WEIR_ADMIN_TOKEN: TOKEN },
  });
  expect([status, stderr]).toEqual([0, ""]);
});

test("the answers that it shows are of the shape that is answered", () => {
  const [created = "", used = ""] = blocks("json");
  expect([...createdKey.check.errors(JSON.parse(created))]).toEqual([]);
  expect([...usage.check.errors(JSON.parse(used))]).toEqual([]);
});

test("the commands that it lists are those that there are", () => {
  const listed = PAGE.match(/^npx weir (keys|workspaces) .*$/gm) ?? [];
  const line = readLine(["--help", "keys"], "npx weir");
  const others = readLine(["--help", "workspaces"], "npx weir");
  const known = [line, others].flatMap((help) =>
    help.command === "help" ? (help.text.match(/^ {2}(keys|workspaces) .*?(?= {2})/gm) ?? []) : [],
  );
  expect(listed.map((text) => text.replace("npx weir ", ""))).toEqual(known.map((text) => text.trim()));
});
