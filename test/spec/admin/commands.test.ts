import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { register } from "../../support/collected.ts";
import { haveRedis, type RedisServer, startRedis } from "../../support/redis.ts";
import { BY_HAND, BY_NPM, MAIN, type RuntimeName, runToEnd } from "../../support/weir.ts";
import { examineCommands } from "./commands.ts";
import { AdminWorld, TOKEN } from "./world.ts";

describe("commands at a running gateway", () => {
  const world = new AdminWorld("bun");
  beforeAll(() => world.start(), 20_000);
  afterAll(() => world.stop());

  examineCommands({
    world,
    words: () => ["--url", world.weir.adminUrl],
    environment: () => ({ WEIR_ADMIN_TOKEN: TOKEN }),
    source: "file",
    knowsUsage: true,
  });

  test("address and token come from the command line, the environment, a file or the configuration", async () => {
    const { adminUrl } = world.weir;
    const file = join(world.folder, "token");
    writeFileSync(file, `${TOKEN}\n`);
    const ways: [words: string[], environment: Record<string, string>][] = [
      [["--url", adminUrl, "--token", TOKEN], { WEIR_ADMIN_TOKEN: "other" }],
      [["--url", `${adminUrl}/`, "--token-file", file], { WEIR_ADMIN_URL: "http://127.0.0.1:1" }],
      [[], { WEIR_ADMIN_URL: adminUrl, WEIR_ADMIN_TOKEN: TOKEN }],
      [["--url", adminUrl, "--config", world.configFile], {}],
    ];
    for (const [words, environment] of ways) {
      const { code, stderr } = await world.command(["workspaces", "list", ...words], environment);
      expect([words.slice(0, 1), code, stderr]).toEqual([words.slice(0, 1), 0, ""]);
    }
  }, 20_000);

  test("where a command is not let in, or reaches no gateway, it says what to do", async () => {
    const { adminUrl, url } = world.weir;
    const refusals: [words: string[], told: string][] = [
      [["--url", adminUrl, "--token", "wrong"], "The admin token is wrong. It is admin.token of the configuration"],
      [["--url", "http://127.0.0.1:1", "--token", TOKEN], "No gateway answers at http://127.0.0.1:1: start it"],
      [["--url", url, "--token", TOKEN], "is --url its address?"],
    ];
    for (const [words, told] of refusals) {
      const { code, stderr, stdout } = await world.command(["workspaces", "list", ...words]);
      expect([words[1], code, stdout]).toEqual([words[1], 1, ""]);
      expect(stderr).toContain(told);
      expect(stderr).not.toContain(TOKEN);
    }
  }, 20_000);
});

describe("commands at the file of a configuration, beside its gateway", () => {
  const world = new AdminWorld("bun");
  beforeAll(() => world.start(), 20_000);
  afterAll(() => world.stop());
  examineCommands({
    world,
    words: () => ["--config", world.configFile],
    environment: () => ({ WEIR_ADMIN_URL: "http://127.0.0.1:1" }),
    source: "file",
    knowsUsage: false,
  });
});

describe.skipIf(!haveRedis)("commands at the Redis of a configuration, beside its gateway", () => {
  const world = new AdminWorld("bun");
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
    await world.start(redis.url);
  }, 20_000);
  afterAll(async () => {
    await world.stop();
    await redis.stop();
  });
  examineCommands({ world, words: () => ["--config", world.configFile], environment: () => ({}), source: "redis", knowsUsage: true });
});

/** Bun and Deno as packages. */
const PROGRAMS = join(MAIN, "../../node_modules/.bin");

describe("the command line", () => {
  const run = (...words: string[]) => runToEnd("bun", { arguments: words, environment: BY_NPM });

  test("what is not understood ends with 2, and says what is expected", async () => {
    const mistakes: [words: string[], told: string][] = [
      [["keys"], "keys: expected one of create, list, rotate, revoke, import"],
      [["keys", "make"], "keys: expected one of create, list, rotate, revoke, import"],
      [["workspaces", "usage"], "workspaces usage: NAME is missing"],
      [["keys", "create", "--workspace", "a"], "keys create: --name is missing"],
      [["keys", "create", "extra", "--workspace", "a", "--name", "b"], "keys create: only options may follow"],
      [["keys", "list", "--workspace", "a", "--grace", "1h"], "keys list takes no --grace"],
      [["keys", "revoke", "one", "two"], "keys revoke: only ID may follow"],
      [["keys", "list", "--nonsense"], "unknown option: --nonsense. --help after the command lists its options.\n"],
      [["keys", "list", "--worksapce", "a"], 'unknown option: --worksapce (did you mean "workspace"?)'],
      [["workspace", "list"], 'unknown command: workspace list (did you mean "workspaces"?)'],
      [["start", "--json"], "start takes no --json"],
      [["chek"], "unknown command: chek"],
      [["keys", "revoke", "a", "--url", "nowhere", "--token", "t"], "--url: expected the address"],
      [["keys", "revoke", "a", "--url", "http://127.0.0.1:1"], "The admin token is missing"],
      [["keys", "revoke", "a", "--url", "http://127.0.0.1:1", "--token-file", "/nowhere"], "--token-file: expected a readable file"],
    ];
    const outcomes = mistakes.map(async ([words, told]) => {
      const { code, stdout, stderr } = await run(...words);
      expect([words, code, stdout]).toEqual([words, 2, ""]);
      expect(stderr).toContain(told);
    });
    await Promise.all(outcomes);
    const token = ["--url", "http://127.0.0.1:1", "--token", "t"];
    for (const [words, told] of [
      [["keys", "create", "--workspace", "a", "--name", "b", "--expires", "soon"], "--expires: expected a time"],
      [["keys", "rotate", "a", "--grace", "1 hour"], "--grace: expected a span"],
      [["workspaces", "create", "a", "--rpm", "0"], "--rpm: expected a whole number"],
    ] as const) {
      const { code, stderr } = await run(...words, ...token);
      expect([words, code]).toEqual([words, 2]);
      expect(stderr).toContain(told);
    }
  }, 60_000);

  test("each command tells what it takes", async () => {
    for (const words of [
      ["keys", "create"],
      ["keys", "list"],
      ["keys", "rotate"],
      ["keys", "revoke"],
      ["workspaces", "create"],
      ["workspaces", "update"],
      ["workspaces", "usage"],
    ]) {
      const { code, stdout } = await run(...words, "--help");
      expect([words, code]).toEqual([words, 0]);
      expect(stdout).toStartWith(`npx weir ${words.join(" ")}`);
      for (const option of ["--url URL", "--token T", "--token-file F", "--config FILE", "--json"]) expect(stdout).toContain(option);
    }
    expect((await run("--help")).stdout).toContain("  npx weir keys");
    const [overview, asked] = [await run("--help"), await run("help")];
    expect(asked).toEqual(overview);
    expect((await run("version")).stdout).toBe((await run("--version")).stdout);
    expect((await run("keys", "--help")).stdout).toContain("rotate ID [--grace 1h]");
  }, 30_000);

  for (const runtime of ["bun", "deno"] as RuntimeName[]) {
    test(`a command that is printed works in the folder where it was printed, on ${runtime}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "weir-printed-"));
      try {
        const upstreams = { eu: { provider: "bedrock", region: "eu", aws_region: "eu-central-1" } };
        writeFileSync(join(folder, "weir.yaml"), JSON.stringify({ upstreams }));
        const first = await runToEnd(runtime, { arguments: ["workspaces", "list"], folder, environment: BY_HAND });
        const [, makeWorkspace = ""] = /Make one: (.* workspaces create) NAME\n/.exec(first.stdout) ?? [];
        const typed = (line: string) =>
          spawnSync("sh", ["-c", line], {
            cwd: folder,
            encoding: "utf8",
            env: { ...process.env, ...BY_HAND, PATH: `${PROGRAMS}:${process.env.PATH}` },
          }).stdout;
        const [, makeKey = ""] = /Give it a key: (.* --name) NAME\n/.exec(typed(`${makeWorkspace} team`)) ?? [];
        const [key = ""] = /weir_[\w-]{43}/.exec(typed(`${makeKey} first`)) ?? [];
        register("a key that a printed command made", key);
        expect([makeWorkspace, makeKey, key]).toEqual([
          expect.any(String),
          expect.stringContaining("--workspace team"),
          expect.stringMatching(/^weir_/),
        ]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }, 60_000);
  }
});
