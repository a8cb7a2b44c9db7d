/** What a new user types from the README, and what the pages call the program. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { knownModels } from "../../src/catalogue.ts";
import { readLine } from "../../src/commands/line.ts";
import { readCatalogue } from "../../src/config/catalogue.ts";
import { runToEnd } from "../support/weir.ts";

const ROOT = join(import.meta.dir, "../..");
const text = (file: string) => readFileSync(join(ROOT, file), "utf8");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "weir.example.yaml",
  ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`),
].filter((name) => /\.(md|yaml)$/.test(name));

describe("the first hour", () => {
  test("has a configuration that is good as it is, without a warning; its secrets are in files, so no terminal has to know them", async () => {
    const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(text("README.md")) ?? [];
    const folder = mkdtempSync(join(tmpdir(), "weir-readme-"));
    try {
      mkdirSync(join(folder, "secrets"));
      const files = [...text("README.md").matchAll(/> (secrets\/\S+)/g)].map(([, file = ""]) => file);
      expect(files).toHaveLength(2);
      for (const file of files) writeFileSync(join(folder, file), "readme-secret-41c0c0d4e7a2b9f1c6d8\n");
      const config = parse(yaml) as Record<string, unknown>;
      const { code, stdout, stderr } = await runToEnd("bun", { config, arguments: ["check"], folder });
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/ is good\.?\n/);
      for (const name of ["claude-sonnet-5", "gpt-5.5", "research"]) expect(stdout).toContain(name);
      expect(stdout).toMatch(/ token +set\n/);
      expect(yaml).not.toContain("$");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("makes workspaces and keys by commands that there are", () => {
    const lines = [...text("README.md").matchAll(/^npx weir ((?:keys|workspaces) [a-z].*)$/gm)].map(([, words = ""]) => words);
    expect(lines.length).toBeGreaterThan(3);
    for (const words of lines) expect(readLine(words.split(" "), "npx weir")).toMatchObject({ command: "administer" });
  });
});

describe("the models that a new user sees", () => {
  const { entries: models } = readCatalogue(knownModels);
  const day = 86_400_000;
  const newestMs = Math.max(...[...models.values()].map(({ created }) => (created ?? 0) * 1000));
  const shown = (place: string, words: string) =>
    [...words.matchAll(/(?<![\w.-])(claude-(?:sonnet|haiku|opus)-\d[\w-]*|gpt-\d[\w.]*(?:-mini|-nano)?)(?![\w-]|\.\d)/g)].map(
      ([, name = ""]) => ({ place, name }),
    );
  const all = [
    ...["README.md", "weir.example.yaml", "docs/admin.md", "src/sandbox/demo.ts", "src/dialects/openai/openapi.ts"].map((file) => [
      file,
      text(file),
    ]),
    // What was tried, and with which libraries, is a record.
    [
      "docs/clients.md",
      text("docs/clients.md")
        .split("## What has been shown")[0]
        ?.replace(/^Tried with .*$/m, ""),
    ],
    ["docs/configuration.md", text("docs/configuration.md").split("## Every setting")[0]],
  ].flatMap(([place = "", words = ""]) => shown(place, words));

  test("are looked for where the pages have them", () => {
    expect(new Set(all.map(({ place }) => place)).size).toBe(7);
  });

  test("are in the catalogue, came out in the ten months before its newest one, and have half a year left after it", () => {
    for (const { place, name } of all) {
      const model = models.get(name);
      expect([place, name, model?.name]).toEqual([place, name, name]);
      const isOld = model?.created !== 0 && newestMs - (model?.created ?? 0) * 1000 > 305 * day;
      const isLeaving = model?.retiredAtMs !== undefined && model.retiredAtMs < newestMs + 183 * day;
      expect([place, name, isOld, isLeaving]).toEqual([place, name, false, false]);
    }
  });
});

test("every page calls the program by its name", () => {
  for (const page of pages) expect([page, text(page).match(/bun (?:run )?src\/main\.ts/)?.[0]]).toEqual([page, undefined]);
  const words = pages.flatMap((page) => [...text(page).matchAll(/npx weir (\w+)/g)].map(([, word = ""]) => word));
  expect(words.length).toBeGreaterThan(15);
  expect(words.filter((word) => !["start", "check", "schema", "health", "keys", "workspaces"].includes(word))).toEqual([]);
  const verbs = pages.flatMap((page) => [...text(page).matchAll(/npx weir ((?:keys|workspaces) [a-z]+)/g)].map(([, both = ""]) => both));
  expect(verbs.length).toBeGreaterThan(15);
  // With one word more than any of them takes, each is refused by its own name, and not as something that there is not.
  for (const both of new Set(verbs)) expect(() => readLine([...both.split(" "), "a", "b"], "npx weir")).toThrow(`${both}: only `);
});
