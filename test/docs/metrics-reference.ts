/** Writes the table of `docs/metrics.md` from what the gateway's registry has. `bun run docs` runs it; `test/unit/metrics/metrics.test.ts` fails where it is stale. */

import { MergedMetrics } from "../../src/metrics/merged.ts";
import { Metrics } from "../../src/metrics/metrics.ts";
import type { Definition } from "../../src/metrics/registry.ts";

export const METRICS_PAGE = new URL("../../docs/metrics.md", import.meta.url);
const BEGIN = "<!-- metrics: written by `bun run docs` from src/metrics -->";
const END = "<!-- end of metrics -->";

/** `document` with its table as the registry is now. */
export function withMetrics(document: string): string {
  const [before, rest] = document.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/metrics.md has lost its marks ${BEGIN} and ${END}`);
  const definitions = [...new Metrics().definitions(), ...new MergedMetrics().definitions()];
  const rows = definitions.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(row);
  const table = ["| name | type | labels | what it is |", "|--|--|--|--|", ...rows].join("\n");
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

function row({ name, type, labels, help }: Definition): string {
  return `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help} |`;
}
