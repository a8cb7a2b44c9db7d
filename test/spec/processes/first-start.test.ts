/** The README's line for Deno, in a clone that has no packages yet and with an empty cache. */
import { afterAll, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "../../..");
const DENO = join(ROOT, "node_modules/.bin/deno");
const scratch = mkdtempSync(join(tmpdir(), "weir-clone-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What git keeps, and what it would: as it is in the working tree. */
function clone(folder: string): void {
  const { stdout } = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" });
  for (const file of stdout.split("\n").filter((name) => /^(src|workers)\/|^[^/]+$/.test(name) && existsSync(join(ROOT, name)))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
}

const registry = process.env.npm_config_registry ?? "https://registry.npmjs.org/";
const online = await fetch(registry, { method: "HEAD", signal: AbortSignal.timeout(5_000) }).then(
  () => true,
  () => false,
);
if (!online) console.warn("The registry cannot be reached: Deno's first start in a clone is not run.");

test.skipIf(!online)(
  "on Deno, `deno run -A src/main.ts` starts in a fresh clone: it installs what running needs, once, serves, and ends when asked",
  async () => {
    const folder = join(scratch, "weir");
    clone(folder);
    expect(existsSync(join(folder, "src/main.ts"))).toBe(true);
    for (const round of ["first", "second"]) {
      const env = { ...process.env, DENO_DIR: join(scratch, "cache"), PORT: "0", ADMIN_PORT: "0" };
      const weir = spawn(DENO, ["run", "-A", "src/main.ts"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      for (const stream of [weir.stdout, weir.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (said += text));
      const ended = new Promise<number | null>((resolve) => weir.on("close", resolve));
      const port = await new Promise<string | undefined>((resolve) => {
        const look = () => {
          const [, found] = /"port":(\d+).*"message":"listening"/.exec(said) ?? [];
          if (found !== undefined) resolve(found);
        };
        weir.stdout.on("data", look);
        weir.on("close", () => resolve(undefined));
      });
      expect(port, said).toBeDefined();
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
      expect([round, said.includes("installing the packages")]).toEqual([round, round === "first"]);
      weir.kill("SIGTERM");
      expect([round, await ended]).toEqual([round, 0]);
    }
    // Neither the tools of development nor the other runtime.
    for (const name of ["knip", "typescript", "openai", "bun"])
      expect([name, existsSync(join(folder, "node_modules", name))]).toEqual([name, false]);
    expect(spawnSync("ls", ["-A", folder], { encoding: "utf8" }).stdout).not.toContain("deno.lock");
  },
  120_000,
);
