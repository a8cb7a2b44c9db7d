/** `npm run verify:deploy`: the tests of rules, alerts and dashboards in true time. Ten minutes that no other test run should wait for. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const { status } = spawnSync(process.execPath, ["test", join(import.meta.dir, "observed.test.ts")], {
  stdio: "inherit",
  env: { ...process.env, WEIR_TEST_HASTE: "1", WEIR_TEST_SCRAPE_MS: "5000" },
});
process.exit(status ?? 1);
