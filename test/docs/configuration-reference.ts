/**
 * Writes what follows from the schema of `weir.yaml`: `weir.schema.json`, and the table of settings in `docs/configuration.md`.
 * `bun run docs` runs it; `test/unit/config/published.test.ts` fails where they are stale.
 */
import { readFileSync, writeFileSync } from "node:fs";
import type { TSchema } from "@sinclair/typebox";
import { expectation } from "../../src/config/expected.ts";
import { publishedSchema } from "../../src/config/published.ts";
import { schema } from "../../src/config/schema/file.ts";

export const DOCUMENT = new URL("../../docs/configuration.md", import.meta.url);
export const SCHEMA_FILE = new URL("../../weir.schema.json", import.meta.url);
const BEGIN = "<!-- settings: written by `bun run docs` from src/config/schema/ -->";
const END = "<!-- end of settings -->";

/** `document` with its table of settings as the schema has them now. */
export function withSettings(document: string): string {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/configuration.md has lost its marks ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${settings()}\n${END}${after}`;
}

function settings(): string {
  const sections: string[] = [];
  const loose: string[] = [];
  for (const [name, value] of properties(schema)) {
    if (value.type === "object") sections.push(section(name, value));
    else loose.push(row(name, value));
  }
  return [`### At the top\n\n${tableOf(loose)}`, ...sections].join("\n");
}

function section(name: string, value: TSchema): string {
  const entry = entryOf(value);
  if (entry === undefined) return `### \`${name}\`\n\n${value.description}\n\n${tableOf(rows(value, ""))}`;
  const variants = entry.anyOf as TSchema[] | undefined;
  if (variants === undefined) return `### \`${name}.<name>\`\n\n${value.description}\n\n${tableOf(rows(entry, ""))}`;
  const parts = variants.map((variant) => {
    const provider = String(variant.properties.provider.const);
    return `#### \`provider: ${provider}\`\n\n${tableOf(rows(variant, ""))}`;
  });
  return `### \`${name}.<name>\`\n\n${value.description}\n\n${parts.join("\n")}`;
}

/** Every setting below `value`, one row each; upstreams have their own section. */
function rows(value: TSchema, prefix: string): string[] {
  return properties(value).flatMap(([name, inner]) => {
    const path = `${prefix}${name}`;
    const item = inner.type === "array" ? (inner.items as TSchema) : entryOf(inner);
    const here = row(path, inner, (value.required as string[] | undefined)?.includes(name));
    if (item?.anyOf !== undefined) return [here];
    if (item?.type === "object") return [here, ...rows(item, inner.type === "array" ? `${path}[].` : `${path}.<name>.`)];
    return inner.type === "object" ? [here, ...rows(inner, `${path}.`)] : [here];
  });
}

function row(path: string, value: TSchema, isNeeded = false): string {
  const isPart = value.type === "object" || value.type === "array";
  const fallback =
    value.default === undefined || isPart ? (isNeeded && value.default === undefined ? "(needed)" : "") : `\`${value.default}\``;
  const kind = entryOf(value) === undefined ? expectation(value) : "a map of names";
  return `| \`${path}\` | ${kind.replaceAll("|", "\\|")} | ${fallback} | ${value.description ?? ""} |`;
}

function tableOf(lines: readonly string[]): string {
  return `| setting | takes | default | |\n|--|--|--|--|\n${lines.join("\n")}\n`;
}

function properties(value: TSchema): [string, TSchema][] {
  return Object.entries((value.properties as Record<string, TSchema> | undefined) ?? {});
}

/** The schema of the entries of a map of names. */
function entryOf(value: TSchema): TSchema | undefined {
  return Object.values((value.patternProperties as Record<string, TSchema> | undefined) ?? {})[0];
}

if (import.meta.main) {
  writeFileSync(DOCUMENT, withSettings(readFileSync(DOCUMENT, "utf8")));
  writeFileSync(SCHEMA_FILE, publishedSchema());
}
