/** What a new user types from the README, and what the pages call the program. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { readLine } from "../src/commands/line.ts";
import { runToEnd } from "./harness/weir.ts";

const ROOT = join(import.meta.dir, "..");
const text = (file: string) => readFileSync(join(ROOT, file), "utf8");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "weir.example.yaml",
  ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`),
].filter((name) => /\.(md|yaml)$/.test(name));

describe("the first hour", () => {
  test("has a configuration that is good as it stands, and nothing to warn of", async () => {
    const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(text("README.md")) ?? [];
    const environment = { AZURE_OPENAI_API_KEY: "readme-azure-key-41c0", AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
    const config = parse(yaml.replace(/\$\{\w+\}/, environment.AZURE_OPENAI_API_KEY)) as Record<string, unknown>;
    const { code, stdout, stderr } = await runToEnd("bun", { config, environment, arguments: ["check"] });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/ is good\.?\n/);
    for (const name of ["claude-sonnet-5", "gpt-5-mini", "research"]) expect(stdout).toContain(name);
  });

  test("makes workspaces and keys by commands that there are", () => {
    const lines = [...text("README.md").matchAll(/^npx weir ((?:keys|workspaces) [a-z].*)$/gm)].map(([, words = ""]) => words);
    expect(lines.length).toBeGreaterThan(3);
    for (const words of lines) expect(readLine(words.split(" "))).toMatchObject({ command: "administer" });
  });
});

test("every page calls the program by its name", () => {
  for (const page of pages) expect([page, text(page).match(/bun (?:run )?src\/main\.ts/)?.[0]]).toEqual([page, undefined]);
  const words = pages.flatMap((page) => [...text(page).matchAll(/npx weir (\w+)/g)].map(([, word = ""]) => word));
  expect(words.length).toBeGreaterThan(15);
  expect(words.filter((word) => !["start", "check", "schema", "keys", "workspaces"].includes(word))).toEqual([]);
});
