/** The exam of the command line: the same for a running gateway and for the store of a configuration. */
import { expect, test } from "bun:test";
import { promptly } from "../../support/waits.ts";
import { type AdminWorld, FILE_KEY, TOKEN } from "./world.ts";

export interface CommandWay {
  world: AdminWorld;
  /** What tells a command whom to ask. */
  words(): string[];
  environment(): Record<string, string>;
  source: "file" | "redis";
  /** Usage is known: at a running gateway, or with Redis. */
  knowsUsage: boolean;
}

export function examineCommands({ world, words, environment, source, knowsUsage }: CommandWay): void {
  const run = (...command: string[]) => world.command([...command, ...words()], environment());
  const json = async (...command: string[]) => {
    const { code, stdout, stderr } = await run(...command, "--json");
    expect([command, code, stderr]).toEqual([command, 0, ""]);
    return JSON.parse(stdout);
  };
  /** A key has to be known to the running gateway within a second. */
  const becomes = (key: string, status: number) => promptly(async () => (await world.call(key)) === status, `the key to get ${status}`);

  test("a key is made, listed, rotated and revoked; scripts read JSON", async () => {
    const made = await json("keys", "create", "--workspace", "acme", "--name", "robot", "--expires", "30d");
    expect(made).toMatchObject({ name: "robot", workspace: "acme", source });
    expect(Math.abs(Date.parse(made.expires_at) - Date.now() - 30 * 86_400_000)).toBeLessThan(60_000);
    await becomes(made.key, 200);
    const { data } = await json("keys", "list", "--workspace", "acme");
    expect(data.find(({ id }: { id: string }) => id === made.id)).toMatchObject({ name: "robot", source });
    expect(JSON.stringify(data)).not.toContain(made.key);
    const rotated = await json("keys", "rotate", made.id, "--grace", "1h", "--expires", "90d");
    expect(Math.abs(Date.parse(rotated.expires_at) - Date.now() - 90 * 86_400_000)).toBeLessThan(60_000);
    await becomes(rotated.key, 200);
    expect(await world.call(made.key)).toBe(200);
    expect(await json("keys", "revoke", rotated.id)).toEqual({ id: rotated.id, revoked: true });
    await becomes(rotated.key, 401);
    await json("keys", "revoke", made.id);
  }, 30_000);

  test("people read tables", async () => {
    const made = await run("keys", "create", "--workspace", "acme", "--name", "person", "--expires", "2999-01-01T00:00:00Z");
    expect([made.code, made.stderr]).toEqual([0, ""]);
    expect(made.stdout).toMatch(
      /^ {2}key {8}weir_[\w-]{43}\n {2}id {9}key_[0-9a-f]{16}\n {2}name {7}person\n {2}workspace {2}acme\n {2}expires {4}2999-01-01T00:00:00Z\n\n.*once.*\n$/,
    );
    const id = /key_[0-9a-f]{16}/.exec(made.stdout)?.[0] ?? "";
    const { stdout } = await run("keys", "list", "--workspace", "acme");
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head?.trim().split(/ {2,}/)).toEqual(["ID", "NAME", "KEPT IN", "CREATED", "LAST USED (HOUR)", "EXPIRES", "AT A TIME"]);
    expect(
      rows
        .find((row) => row.includes(id))
        ?.trim()
        .split(/ {2,}/),
    ).toMatchObject({ 0: id, 1: "person", 2: source, 5: "2999-01-01T00:00:00Z" });
    expect(
      rows
        .find((row) => row.includes("of-the-file"))
        ?.trim()
        .split(/ {2,}/),
    ).toMatchObject({ 2: "config", 5: "never" });
    const column = head?.indexOf("KEPT IN") ?? 0;
    expect(rows.filter((row) => row.slice(column - 2, column) !== "  " || row[column] === " ")).toEqual([]);
    expect((await run("keys", "revoke", id)).stdout).toBe(`${id} is revoked.\n`);
  }, 30_000);

  test("rotating a key says how long the one before works", async () => {
    const made = await json("keys", "create", "--workspace", "acme", "--name", "turning");
    const rotated = await run("keys", "rotate", made.id, "--grace", "1h");
    expect(rotated.stdout).toEndWith(`keep it now.\nThe key before it, ${made.id}, works for 1h more, unless it expires sooner.\n`);
    const next = /key_[0-9a-f]{16}/.exec(rotated.stdout)?.[0] ?? "";
    expect((await json("keys", "rotate", next, "--grace", "1h", "--expires", "never")).expires_at).toBeNull();
    const another = await json("keys", "create", "--workspace", "acme", "--name", "turning");
    expect((await run("keys", "rotate", another.id)).stdout).toEndWith(`The key before it, ${another.id}, does not work any more.\n`);
  }, 30_000);

  test("a workspace is made, listed and removed with its keys", async () => {
    const made = await json(
      "workspaces",
      "create",
      "team",
      "--default-region",
      "eu",
      "--rpm",
      "5",
      "--tpm",
      "5000",
      "--max-concurrent",
      "9",
    );
    const limits = { rpm: 5, tpm: 5000 };
    expect(made).toEqual({ name: "team", source, default_region: "eu", max_concurrent: 9, limits, models: {}, upstreams: [], keys: 0 });
    const { key } = await json("keys", "create", "--workspace", "team", "--name", "k");
    await becomes(key, 200);
    const { stdout } = await run("workspaces", "list");
    expect(stdout.split("\n").map((row) => row.trim().split(/ {2,}/))).toContainEqual(["team", source, "eu", "5", "5000", "1"]);
    expect(stdout.split("\n").map((row) => row.trim().split(/ {2,}/))).toContainEqual([
      "acme",
      "config",
      "eu",
      "777",
      "default",
      expect.any(String),
    ]);
    expect(await json("workspaces", "update", "team", "--tpm", "6000")).toEqual({ ...made, limits: { rpm: 5, tpm: 6000 }, keys: 1 });
    const usage = await run("workspaces", "usage", "team", "--json");
    if (knowsUsage) {
      const { data } = JSON.parse(usage.stdout);
      expect(data[0].requests.limit).toBe(5);
      expect((await run("workspaces", "usage", "team")).stdout).toMatch(/ of 5 +\d+ of 6000\n/);
    } else {
      expect([usage.code, JSON.parse(usage.stderr).error.kind]).toEqual([1, "unavailable"]);
      expect(usage.stderr).toContain("--url");
    }
    expect(await json("workspaces", "remove", "team")).toEqual({ name: "team", removed: true });
    await becomes(key, 401);
  }, 30_000);

  test("what is refused ends with 1 and says why on standard error, as JSON for scripts", async () => {
    const refusals: [words: string[], kind: string][] = [
      [["keys", "list", "--workspace", "nobody"], "unknown"],
      [["keys", "create", "--workspace", "nobody", "--name", "a"], "unknown"],
      [["keys", "create", "--workspace", "acme", "--name", "a b"], "invalid"],
      [["keys", "create", "--workspace", "acme", "--name", "a", "--expires", "2020-01-01"], "invalid"],
      [["keys", "revoke", "key_0000000000000000"], "unknown"],
      [["keys", "rotate", "../../healthz"], "unknown"],
      [["workspaces", "create", "acme"], "exists"],
      [["workspaces", "remove", "acme"], "read_only"],
    ];
    // One after the other: eight programs that start at once leave each other no second for Redis, which is then unavailable.
    for (const [command, kind] of refusals) {
      const { code, stdout, stderr } = await run(...command, "--json");
      expect([command, code, stdout, stderr.startsWith("{") ? JSON.parse(stderr).error.kind : stderr]).toEqual([command, 1, "", kind]);
    }
    const { code, stderr } = await run("workspaces", "remove", "acme");
    expect([code, stderr.startsWith("weir: ")]).toEqual([1, true]);
    expect(await world.call(FILE_KEY)).toBe(200);
    expect(world.weir.output()).not.toContain(TOKEN);
  }, 30_000);
}
