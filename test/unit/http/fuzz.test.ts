import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { program } from "./examined.ts";
import { compare, fuzz } from "./fuzzed.ts";

test("damaged requests never throw, give the same verdict at every cut, and leave nothing behind", async () => {
  const kinds = await fuzz(1, 4_000);
  expect(kinds.size).toBeGreaterThan(20);
}, 30_000);

test.skipIf(spawnSync("node", ["--version"]).status !== 0)(
  "of what both take for a request, ours and Node's understand the same",
  async () => {
    const witness = await program("node", ["test/unit/http/echo-node.mjs"]);
    expect(await compare(witness.port, 7, 600)).toBeGreaterThan(40);
    await witness.stop();
  },
  30_000,
);
