/** Each row of the fault table names a test, and there is one of that name. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Node, parseSync } from "oxc-parser";

const ROOT = join(import.meta.dir, "../..");
const PAGE = readFileSync(join(ROOT, "docs/reliability.md"), "utf8");
const LEAST_ROWS = 30;
const COLUMNS = 5;
/** `"title" (file)`: a row may name several. */
const REFERENCE = /"([^"]+)" \((test\/[\w./-]+\.ts)\)/g;
/** Faults that the page must have at least; each is a word or two of a row's first cell. */
const AT_LEAST = [
  /refuses the connection/,
  /resets/,
  /hangs|never answers/,
  /throttles.*says when/,
  /throttles.*without/,
  /checksum/,
  /exception.*first/,
  /exception.*middle/,
  /ends without its last event/,
  /stops reading/,
  /leaves before the first byte/,
  /leaves in the middle/,
  /worker dies/,
  /worker is in an endless loop/,
  /throws/,
  /Redis dies/,
  /Redis stops answering/,
  /fails over/,
  /configuration/,
  /disk is full/,
  /SIGTERM/,
  /clock steps/,
  /one of two targets/,
  /all targets/,
  /comes back/,
  /sealed/,
];

interface Row {
  fault: string;
  cells: string[];
  references: { title: string; file: string }[];
}

const rows: Row[] = PAGE.split("\n")
  .filter((line) => line.startsWith("| ") && line.match(REFERENCE) !== null)
  .map((line) => {
    const cells = line.slice(1, -1).split(" | ");
    return {
      fault: (cells[0] ?? "").trim(),
      cells,
      references: [...line.matchAll(REFERENCE)].map(([, title = "", file = ""]) => ({ title, file })),
    };
  });

/** Titles in a file: its strings, and its templates, whose gaps may hold anything. */
function titlesOf(file: string): RegExp[] {
  const { program } = parseSync(file, readFileSync(join(ROOT, file), "utf8"));
  const found: RegExp[] = [];
  const walk = (node: Node): void => {
    if (node.type === "Literal" && typeof node.value === "string") found.push(exactly([node.value]));
    if (node.type === "TemplateLiteral") found.push(exactly(node.quasis.map(({ value }) => value.cooked ?? value.raw)));
    for (const value of Object.values(node)) {
      for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) walk(each);
    }
  };
  walk(program as unknown as Node);
  return found;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** A template needs at least a few words of text: a template of gaps alone would match every title. */
const exactly = (parts: string[]): RegExp => (parts.join("").length < 8 ? /(?!)/ : new RegExp(`^${parts.map(escaped).join(".+")}$`));

describe("the fault table of docs/reliability.md", () => {
  test("has its rows, each whole", () => {
    expect(rows.length).toBeGreaterThanOrEqual(LEAST_ROWS);
    for (const { fault, cells } of rows) {
      expect([fault, cells.length]).toEqual([fault, COLUMNS]);
      expect(cells.filter((cell) => cell.trim() === "")).toEqual([]);
    }
    expect(new Set(rows.map(({ fault }) => fault)).size).toBe(rows.length);
  });

  test("names tests that there are", () => {
    const titles = new Map<string, RegExp[]>();
    const missing = rows.flatMap(({ references }) =>
      references.filter(({ title, file }) => {
        const known = titles.get(file) ?? titlesOf(file);
        titles.set(file, known);
        return !known.some((each) => each.test(title));
      }),
    );
    expect(missing).toEqual([]);
  });

  test("has a row for each fault that it must speak of", () => {
    expect(AT_LEAST.filter((wanted) => !rows.some(({ fault }) => wanted.test(fault))).map(String)).toEqual([]);
  });

  test("leaves no test of test/spec/reliability out", () => {
    const named = new Set(rows.flatMap(({ references }) => references.map(({ file }) => file)));
    for (const file of ["conversations", "ending", "full-disk", "targets"])
      expect([...named]).toContain(`test/spec/reliability/${file}.test.ts`);
  });
});
