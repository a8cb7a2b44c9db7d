/** What becomes of a gateway whose log is not read any more, or not for a while. */
import { expect, test } from "bun:test";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { eventually, freePort, pause } from "../../support/waits.ts";
import { type RuntimeName, startWeir } from "../../support/weir.ts";
import { configuration } from "../limits/world.ts";

/** More lines than a pipe of the system takes (64 KiB). */
const LINES = 600;

function isFull(pipe: string): boolean {
  const end = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(end, "x");
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EAGAIN";
  } finally {
    closeSync(end);
  }
}

/** A gateway that waits for the reader of its log does not end at all. */
const PATIENCE_MS = 8_000;

/** Sends SIGTERM. @returns the exit code, or null where the gateway does not end and is killed */
function endOf(child: ChildProcess): Promise<number | null> {
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve));
  child.kill("SIGTERM");
  return exited.finally(() => clearTimeout(timer));
}

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  test(`a gateway on ${runtime} ends when asked, although the reader of its log has gone`, async () => {
    const sandbox = await startSandbox();
    try {
      for (let round = 0; round < 2; round++) {
        const weir = await startWeir({ runtime, config: configuration(sandbox, { acme: {} }) });
        // With nothing in its buffer: the first line that cannot be written is then the last one.
        await pause(250);
        weir.child.stdout?.destroy();
        expect(await endOf(weir.child)).toBe(0);
      }
    } finally {
      await sandbox.close();
    }
  }, 30_000);
}

test("a gateway ends when asked, although the reader of its log has stopped and the pipe is full", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-log-"));
  const sandbox = await startSandbox();
  const pipe = join(folder, "log");
  execFileSync("mkfifo", [pipe]);
  // Open for reading too, and never read.
  const end = openSync(pipe, "r+");
  const port = await freePort();
  const file = join(folder, "weir.yaml");
  writeFileSync(
    file,
    JSON.stringify(configuration(sandbox, { acme: {} }, { server: { host: "127.0.0.1", port, drain_grace: "0s" }, admin: { port: 0 } })),
  );
  const child = spawn(process.execPath, [join(import.meta.dir, "../../../src/main.ts"), "--config", file], {
    stdio: ["ignore", end, "inherit"],
  });
  try {
    const asks = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then(({ status }) => status);
    await eventually(
      () =>
        asks("/healthz").then(
          (status) => status === 200,
          () => false,
        ),
      "it to listen",
    );
    for (let asked = 0; asked < LINES; asked += 50) await Promise.all(Array.from({ length: 50 }, () => asks("/v1/nothing-here")));
    expect(await asks("/healthz")).toBe(200);
    await eventually(() => isFull(pipe), "the pipe to be full");
    expect(await endOf(child)).toBe(0);
  } finally {
    child.kill("SIGKILL");
    closeSync(end);
    rmSync(folder, { recursive: true, force: true });
    await sandbox.close();
  }
}, 20_000);

/** Bytes of a line of the script below, without its number. */
const LINE_BYTES = JSON.stringify({ message: "line", at: 0, text: "x".repeat(1_000) }).length;

test("a log whose reader has stopped takes no more memory than it may, and says what is missing", async () => {
  const script = `
    import { createLog } from "${join(import.meta.dir, "../../../src/log/log.ts")}";
    const { log, forward, end } = createLog();
    const line = (message, at) => forward(JSON.stringify({ message, at, text: "x".repeat(1_000) }) + "\\n");
    for (let at = 0; at < 40_000; at++) {
      line("line", at);
      if (at % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    log.info("an event");
    process.stderr.write("written");
    await new Promise((resolve) => process.stdin.once("data", resolve));
    line("read again", 40_000);
    await end();
    process.exit(0);`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "pipe"] });
  try {
    child.stdout.pause();
    const gone = new Promise<number | null>((resolve) => child.on("close", resolve));
    await new Promise((resolve) => child.stderr.once("data", resolve));
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece) => {
      text += piece;
    });
    child.stdout.resume();
    await eventually(() => text.includes("an event"), "what was kept to be read");
    child.stdin.write("go on");
    expect(await gone).toBe(0);
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { at?: number; dropped_bytes?: number; message: string });
    const kept = lines.filter(({ message }) => message === "line");
    expect(kept.map(({ at }) => at)).toEqual(kept.map((_, at) => at));
    const [event, notice, last] = lines.slice(kept.length);
    expect([event?.message, last?.message, lines.length]).toEqual(["an event", "read again", kept.length + 3]);
    // 16 MiB are kept, and what the pipe takes.
    expect(text.length).toBeLessThan(17 * 1024 * 1024);
    const bytes = Array.from({ length: 40_000 }, (_, at) => String(at).length + LINE_BYTES).reduce((sum, length) => sum + length);
    expect(kept.reduce((sum, { at = 0 }) => sum + String(at).length + LINE_BYTES, 0) + (notice?.dropped_bytes ?? 0)).toBe(bytes);
  } finally {
    child.kill("SIGKILL");
  }
}, 20_000);
