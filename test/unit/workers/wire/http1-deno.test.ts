import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CASES } from "./http-exam.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
/** The package's own binary: `.bin/deno` may be a stub that fetches it first. */
const deno = fileURLToPath(new URL("../../../../node_modules/.bin/deno", import.meta.url));

test.skipIf(!existsSync(deno))(
  "http1 passes the whole exam on Deno",
  async () => {
    const child = spawn(deno, ["run", "-A", "--no-lock", "test/unit/workers/wire/http-exam.deno.ts"], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(output).toContain(`${CASES.length} of ${CASES.length} cases passed`);
    expect(code).toBe(0);
  },
  60_000,
);
