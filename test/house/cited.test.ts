/** What a file cites can be opened by every reader: a page that is in the repository, or a public source. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const FOLDERS = [".ci", ".github", "bench", "deploy", "docs", "scripts", "src", "test", "workers"];
const WRITTEN = /\.(?:[cm]?[jt]s|lua|md|ya?ml|json|toml|html|sh|tpl)$|(?:^|\/)Dockerfile(?:\.\w+)?$/;
/** Not ours: what is built or fetched, and what was recorded of other programs. */
const OTHERS = /\/(?:node_modules|\.cache|dist|results|recorded)$/;
/** Files that are not searched, and why. */
const EXCEPT: Readonly<Record<string, string>> = {
  "CHANGELOG.md": "may name a page that has gone since",
  "test/house/cited.test.ts": "has the samples below",
};
/** Names of other projects' pages. The text links each of them. */
const LINKED: Readonly<Record<string, readonly string[]>> = { "docs/benchmarks-peers.md": ["installation-deployments.md"] };

function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return OTHERS.test(file) ? [] : filesIn(file);
    return WRITTEN.test(file) ? [file] : [];
  });
}

/** Files that people write, from the root of the repository, with forward slashes. */
function written(): string[] {
  return [...readdirSync(ROOT).filter((name) => WRITTEN.test(name)), ...FOLDERS.flatMap(filesIn)];
}

/** What a text cites and a reader of the repository cannot open. `pages`: the Markdown files of the repository. */
function unopened(text: string, pages: readonly string[]): string[] {
  const withoutAddresses = text.replaceAll(/https?:\/\/[^\s)>"`]+/g, "");
  const named = withoutAddresses.match(/[\w./-]*[\w-]\.md\b/g) ?? [];
  const missing = named.filter((name) => {
    const path = name.replace(/^(?:\.{0,2}\/)+/, "");
    return !pages.some((page) => page === path || page.endsWith(`/${path}`));
  });
  // A section without the RFC that it is in, such as `design §6`.
  const sections = text.split("\n").filter((line) => line.includes("§") && !/RFC \d+[^§]*§/.test(line));
  return [...missing, ...sections.map((line) => line.trim())];
}

test("no file cites a page that is not in the repository, or a section without the standard that it is in", () => {
  const files = written();
  const pages = files.filter((file) => file.endsWith(".md"));
  expect(pages.length).toBeGreaterThan(20);
  expect(files.length).toBeGreaterThan(500);
  const found = files
    .filter((file) => !Object.hasOwn(EXCEPT, file))
    .flatMap((file) =>
      unopened(readFileSync(join(ROOT, file), "utf8"), pages)
        .filter((cited) => !LINKED[file]?.includes(cited))
        .map((cited) => `${file}: ${cited}`),
    );
  expect(found).toEqual([]);
});

test.each([
  ["// Source: `wire.md` §1.4.", ["wire.md", "// Source: `wire.md` §1.4."]],
  ["/** See docs/gone.md. */", ["docs/gone.md"]],
  ["/** Streams (design §3.3). */", ["/** Streams (design §3.3). */"]],
  ["[Limits](limits.md#windows), ../docs/limits.md, docs/limits.md", []],
  ["https://example.com/other/page.md", []],
  ["RFC 9112 §6.3; RFC 3339, §5.6", []],
])("in %j it finds %j", (text, found) => {
  expect(unopened(text, ["README.md", "docs/limits.md"])).toEqual(found);
});
