/** What the pages name is there: files, headings, metrics, npm scripts and Weir's own headers. Figures that two pages have are the same. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { MergedMetrics } from "../../src/metrics/merged.ts";
import { Metrics } from "../../src/metrics/metrics.ts";

const ROOT = join(import.meta.dir, "../..");
const text = (file: string) => readFileSync(join(ROOT, file), "utf8");
const pages = ["README.md", "CONTRIBUTING.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"))
  .map((page) => ({ page, words: text(page) }));

/** Files and folders of the sources, as paths from the root. */
const paths = ["src", "workers", "test", "bench", "deploy", "scripts", "docs"].flatMap((top) => [
  top,
  ...readdirSync(join(ROOT, top), { recursive: true }).map((path) => join(top, String(path))),
]);
const known = new Set([...paths, ...readdirSync(ROOT)]);
const names = new Set([...known].map((path) => basename(path)));

/** Files of a user or of a running gateway, which are not in the repository. */
const MADE_ELSEWHERE = ["weir.yaml", "weir-keys.json", ".weir-sandbox.json", ".weir-sandbox-keys.json", "config.yaml", "openapi.json"];

/** What `pattern` finds in every page, with the page that has it. */
const named = (pattern: RegExp) =>
  pages.flatMap(({ page, words }) => [...words.matchAll(pattern)].map(([, name = ""]) => ({ page, name })));

describe("the pages", () => {
  test("name files and folders that exist", () => {
    const found = named(/(?<![\w/.:-])((?:src|workers|test|bench|deploy|scripts)\/[\w./*-]*\w)/g);
    expect(found.length).toBeGreaterThan(150);
    // A test run is named by the beginning of a path, and `bench/results` is written by the bench.
    const missing = found.filter(
      ({ name }) => !/\/(NAME|results)\b|\*/.test(name) && !known.has(name) && !paths.some((path) => path.startsWith(name)),
    );
    expect(missing).toEqual([]);
  });

  test("name files that exist, also where the folder is left out", () => {
    const found = named(/`(?:\.\/)?([\w./-]*\.(?:ts|mjs|lua|yaml|json|md|svg))`/g);
    expect(found.length).toBeGreaterThan(150);
    const missing = found.filter(
      ({ name }) =>
        !known.has(name) &&
        !MADE_ELSEWHERE.includes(basename(name)) &&
        basename(name) !== "NAME.ts" &&
        !(name.includes("/") ? paths.some((path) => path.endsWith(`/${name}`)) : names.has(name)),
    );
    expect(missing).toEqual([]);
  });

  test("link to headings that exist", () => {
    const found = named(/\]\(([^)\s:]*#[^)\s]+)\)/g);
    expect(found.length).toBeGreaterThan(30);
    const missing = found.filter(({ page, name }) => {
      const [path = "", heading = ""] = name.split("#");
      const target = path === "" ? page : join(page, "..", path);
      return !existsSync(join(ROOT, target)) || statSync(join(ROOT, target)).isDirectory() || !headings(target).includes(heading);
    });
    expect(missing).toEqual([]);
  });

  test("name metrics that the gateway has", () => {
    const metrics = new Set([...new Metrics().definitions(), ...new MergedMetrics().definitions()].map(({ name }) => name));
    const found = named(/\b(weir_[a-z_]{6,})/g);
    expect(found.length).toBeGreaterThan(60);
    expect(found.filter(({ name }) => !metrics.has(name) && !metrics.has(name.replace(/_(?:bucket|sum|count)$/, "")))).toEqual([]);
  });

  test("name scripts that package.json has", () => {
    const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
    const found = named(/\b(?:npm|bun) run ([a-z][\w:]*)/g);
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });

  test("name headers that the sources know", () => {
    const sources = paths
      .filter((path) => /^(?:src|workers)\/.*\.ts$/.test(path))
      .map(text)
      .join("\n");
    const found = named(/`(x-weir-[a-z-]+)/g);
    expect(found.length).toBeGreaterThan(10);
    expect(found.filter(({ name }) => !sources.includes(name))).toEqual([]);
  });
});

test("the mistake that docs/configuration.md shows lists the settings as they are", () => {
  const schema = JSON.parse(text("weir.schema.json")) as { properties: { server: { properties: object } } };
  const shown = /server\.max_bdy: .*; expected one of (.*)$/m.exec(text("docs/configuration.md"))?.[1];
  expect(shown?.split(", ")).toEqual(Object.keys(schema.properties.server.properties));
});

test("docs/limits.md has the figures of the estimates as docs/estimation.md measures them", () => {
  const measured = [
    ...text("docs/estimation.md").matchAll(/^### (\w+)\n\n.* whole texts (\S+ %), worst class (\w+) \(([\d.]+)\), all .* ([\d.]+)\.$/gm),
  ].map(([, tokenizer = "", distance, worst, ratio, all]) => `${tokenizer.toLowerCase()} | ${distance} | ${ratio} (${worst}) | ${all}`);
  expect(measured).toHaveLength(3);
  const repeated = [...text("docs/limits.md").matchAll(/^\| (o200k|cl100k|Claude)[^|]*( \| .* % \| .*) \|$/gm)].map(
    ([, name = "", rest = ""]) => `${name}${rest}`.toLowerCase(),
  );
  expect(repeated).toEqual(measured.map((row) => row.toLowerCase()));
});

/** The anchors of a page's headings, as GitHub makes them. */
function headings(page: string): string[] {
  return [...text(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
      .trim()
      .toLowerCase()
      .replaceAll(" ", "-"),
  );
}
