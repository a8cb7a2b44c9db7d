/** A peer that runs, as a variant of the benchmark. */
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus } from "node:os";
import { join } from "node:path";
import { type Program, startProgram } from "../processes.ts";
import type { Running, Variant, World } from "../variant.ts";
import { oneLine } from "./install.ts";
import type { Peer } from "./peer.ts";

/** LiteLLM takes ten seconds where the machine is its own, and a minute beside others. */
const READY_MS = 180_000;
const LOOK_MS = 100;
const LOOK_TIMEOUT_MS = 2_000;
const TOLD_CHARACTERS = 1_500;

/** What it says goes to a file: it is needed only where the program does not start, and reading it meanwhile would take time. */
const INTO_FILE = ["sh", "-c", 'echo begun; log="$1"; shift; exec "$@" >"$log" 2>&1', "sh"] as const;

export const variantOf = (peer: Peer, installed: string): Variant => ({
  name: peer.name,
  dialects: peer.dialects,
  async start(world) {
    const folder = mkdtempSync(join(world.folder, `${peer.name}-`));
    const port = await freePort();
    const { words, environment, readyPath } = peer.prepare({ installed, folder, port, processors: cpus().length }, world);
    const log = join(folder, "output.log");
    const program = await startProgram([...INTO_FILE, log, ...words], /begun/, { ...environment });
    const url = `http://127.0.0.1:${port}`;
    try {
      await ready(program, url + readyPath);
    } catch (thrown) {
      await program.stop();
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      throw new Error(oneLine(`${why}: ${readFileSync(log, "utf8").slice(-TOLD_CHARACTERS)}`, world.folder));
    }
    return running(peer, world, url, program);
  },
});

const running = (peer: Peer, world: World, url: string, program: Program): Running => ({
  url,
  address: ({ dialect }) => (peer.dialects.includes(dialect) ? peer.address(world) : undefined),
  pids: () => [program.pid],
  stop: program.stop,
});

async function ready(program: Program, url: string): Promise<void> {
  const until = performance.now() + READY_MS;
  for (;;) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) });
      await answer.arrayBuffer();
      if (answer.ok) return;
    } catch {
      // Not yet there.
    }
    if (!lives(program.pid)) throw new Error("ended while it started");
    if (performance.now() > until) throw new Error(`was not ready after ${READY_MS / 1_000} s`);
    await Bun.sleep(LOOK_MS);
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Not all of them take a port of the system's choice. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
