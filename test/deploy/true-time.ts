/**
 * `npm run verify:deploy`: the tests of rules, alerts and dashboards in true time, and a rolling restart under 200 streams. It takes some twelve minutes,
 * too long for every test run.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const { status } = spawnSync(
  process.execPath,
  ["test", ...["rolling", "observed"].map((name) => join(import.meta.dir, `${name}.test.ts`))],
  {
    stdio: "inherit",
    env: { ...process.env, WEIR_TEST_HASTE: "1", WEIR_TEST_SCRAPE_MS: "5000", WEIR_TEST_STREAMS: "200" },
  },
);
process.exit(status ?? 1);
