/** `bun run docs`: writes the parts of `docs/` that are made from the sources. */
import { readFileSync, writeFileSync } from "node:fs";
import { publishedSchema } from "../../src/config/published.ts";
import { FIDELITY_PAGE, withTables } from "../spec/fidelity/reference.ts";
import { DOCUMENT, SCHEMA_FILE, withSettings } from "./configuration-reference.ts";
import { METRICS_PAGE, withMetrics } from "./metrics-reference.ts";

writeFileSync(DOCUMENT, withSettings(readFileSync(DOCUMENT, "utf8")));
writeFileSync(SCHEMA_FILE, publishedSchema());
writeFileSync(METRICS_PAGE, withMetrics(readFileSync(METRICS_PAGE, "utf8")));
writeFileSync(FIDELITY_PAGE, withTables(readFileSync(FIDELITY_PAGE, "utf8")));
