/** The table of `docs/clients.md`: written by the test run (`WRITE_DOCS=1 bun test test/spec/clients`), and held to it by every other. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Behaviour, Client } from "./behaviours.ts";
import { ROOT } from "./library.ts";

const DOCUMENT = join(ROOT, "docs/clients.md");
const BEGIN = "<!-- clients: written by `WRITE_DOCS=1 bun test test/spec/clients` -->";
const END = "<!-- end of clients -->";

/** The part of the document between the marks. */
export function publishedTable(): string {
  return takeApart().table;
}

export function publishTable(table: string): void {
  const { before, after } = takeApart();
  writeFileSync(DOCUMENT, `${before}${table}${after}`);
}

function takeApart(): { before: string; table: string; after: string } {
  const document = readFileSync(DOCUMENT, "utf8");
  const begin = document.indexOf(BEGIN) + BEGIN.length;
  const end = document.indexOf(END);
  if (begin < BEGIN.length || end < begin) throw new Error(`docs/clients.md has lost its marks ${BEGIN} and ${END}`);
  return { before: document.slice(0, begin), table: document.slice(begin, end), after: document.slice(end) };
}

/** One table for each family of clients; a column that none of a family can have is left out. */
export function renderTable(clients: readonly Client[], behaviours: readonly Behaviour[]): string {
  const families = Map.groupBy(clients, ({ family }) => family);
  return [...families]
    .map(([family, members]) => `\n\n### ${family}\n\n${renderFamily(members, behaviours)}`)
    .join("")
    .concat("\n\n");
}

function renderFamily(members: readonly Client[], behaviours: readonly Behaviour[]): string {
  const columns = behaviours.filter(({ name }) => members.some(({ lacks }) => lacks[name] === undefined));
  const reasons: string[] = [];
  const cell = ({ lacks }: Client, { name }: Behaviour): string => {
    const reason = lacks[name];
    if (reason === undefined) return "✓";
    if (!reasons.includes(reason)) reasons.push(reason);
    return `–${"¹²³⁴⁵⁶⁷⁸⁹"[reasons.indexOf(reason)]}`;
  };
  const lines = [
    ["client", ...columns.map(({ title }) => title)],
    columns.map(() => "--").concat("--"),
    ...members.map((member) => [member.name, ...columns.map((column) => cell(member, column))]),
  ].map((cells) => `| ${cells.join(" | ")} |`);
  const notes = reasons.map((reason, index) => `${"¹²³⁴⁵⁶⁷⁸⁹"[index]} ${reason}`);
  return [...lines, ...(notes.length > 0 ? ["", notes.join("; ")] : [])].join("\n");
}
