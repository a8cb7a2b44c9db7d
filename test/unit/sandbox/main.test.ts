/** The stand-ins as a program, on both runtimes. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Sandbox } from "../../../src/sandbox/sandbox.ts";
import { exchange } from "../../support/exchange.ts";
import { eventually } from "../../support/waits.ts";
import { STAND_INS, type StandInName, standInOf } from "./stand-ins.ts";

const ROOT = join(import.meta.dir, "../../..");
const MAIN = "src/sandbox/main.ts";
const RUNTIMES: [string, string[]][] = [
  ["bun", [process.execPath, MAIN]],
  ["deno", [join(ROOT, "node_modules/.bin/deno"), "run", "-A", MAIN]],
];

/** Each test starts a program. On a busy machine that alone takes longer than the 5 s that `bun test` gives a test. */
setDefaultTimeout(60_000);

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

interface Run {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The exit code, once all output has been read too. */
  ended: Promise<number | null>;
}

function run([program = "", ...words]: string[], ...more: string[]): Run {
  const child = spawn(program, [...words, ...more], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

async function started(command: string[], ...more: string[]): Promise<Run & { sandbox: Sandbox }> {
  const running = run(command, ...more);
  await eventually(() => running.stdout().includes("\n") || running.child.exitCode !== null, "its line");
  return { ...running, sandbox: JSON.parse(running.stdout()) };
}

describe.each(RUNTIMES)("%s", (_, command) => {
  test("prints one line of JSON with all that a client needs, answers, and ends on SIGTERM", async () => {
    const { sandbox, child, ended, stdout, stderr } = await started(command, "--port", "0", "--pace", "1");
    expect(Object.keys(sandbox)).toEqual(["bedrock", "azure", "authority", "credentials"]);
    for (const name of STAND_INS as readonly StandInName[]) {
      const standIn = standInOf(sandbox, name);
      expect((await standIn.ask("[sandbox: tokens=4]")).text).toBe(" the weir is low");
      expect((await standIn.ask("[sandbox: tokens=4]", { stream: true })).text).toBe(" the weir is low");
      expect((await standIn.ask("[sandbox: cut after=2]", { stream: true })).isWhole).toBe(false);
      expect(Number.isNaN((await standIn.ask("[sandbox: malformed]")).status)).toBe(true);
      const left = standIn.request("[sandbox: stall after=1]", { stream: true });
      await eventually(() => left.received().body.length > 0, "the first bytes");
      left.socket.destroy();
    }
    const counts = async () => {
      const asked = exchange({ url: sandbox.azure.url, path: "/sandbox/calls", method: "GET" });
      await asked.over;
      return JSON.parse(asked.received().body.toString());
    };
    for (let seen = await counts(); seen.open > 0; seen = await counts());
    expect(await counts()).toMatchObject({ opened: 10, completed: 4, aborted: 2, broken: 4 });

    const open = standInOf(sandbox, "bedrock").request("[sandbox: stall after=1]", { stream: true });
    await eventually(() => open.received().body.length > 0, "the first bytes");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(stdout().trimEnd().split("\n")).toHaveLength(1);
    expect(stderr()).toBe("");
  });

  test("ends with an error that names the port where the port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { ended, stdout, stderr } = run(command, "--port", String(port));
    expect(await ended).not.toBe(0);
    expect(stdout()).toBe("");
    expect(stderr()).toMatch(/EADDRINUSE|in use/i);
    other.close();
  });

  test("ends with an error that names the option where it is unknown or not a number", async () => {
    for (const words of [
      ["--portt", "0"],
      ["--port", "eighty"],
      ["--pace", "fast"],
    ]) {
      const { ended, stdout, stderr } = run(command, ...words);
      expect(await ended).not.toBe(0);
      expect(stdout()).toBe("");
      expect(stderr()).toContain(words[0] ?? "");
    }
  });
});
