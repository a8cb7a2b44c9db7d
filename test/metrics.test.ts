import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MergedMetrics } from "../src/metrics/merged.ts";
import { Metrics } from "../src/metrics.ts";

test("docs/metrics.md lists every metric with its type and labels, and nothing else", () => {
  const page = readFileSync(join(import.meta.dir, "../docs/metrics.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(weir_\w+)` \| (\w+) \| ([\w, ]*?) ?\|/gm)].map(
    ([, name, type, labels]) => `${name} ${type} ${labels}`,
  );
  const definitions = [...new Metrics().definitions(), ...new MergedMetrics().definitions()];
  const defined = definitions.map(({ name, type, labels }) => `${name} ${type} ${labels.join(", ")}`);
  expect(documented.sort()).toEqual(defined.sort());
});
