/** Starts a peer as a variant of the benchmark. */
import { mkdtempSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/support/waits.ts";
import { type Program, startProgram } from "../processes.ts";
import type { Running, Variant, World } from "../variant.ts";
import { oneLine } from "./install.ts";
import type { Peer } from "./peer.ts";

/** LiteLLM needs ten seconds alone on a machine, and a minute beside other programs. */
const READY_MS = 180_000;
const LOOK_MS = 100;
const LOOK_TIMEOUT_MS = 2_000;
const SHOWN_CHARACTERS = 1_500;

/** Sends the output to a file. It is needed only where the program does not start, and to read it during a measurement would need time. */
const INTO_FILE = ["sh", "-c", 'echo begun; log="$1"; shift; exec "$@" >"$log" 2>&1', "sh"] as const;

export const variantOf = (peer: Peer, installed: string): Variant => ({
  name: peer.name,
  dialects: peer.dialects,
  async start(world) {
    const folder = mkdtempSync(join(world.folder, `${peer.name}-`));
    // Not all peers can let the system choose a port.
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
      throw new Error(oneLine(`${why}: ${readFileSync(log, "utf8").slice(-SHOWN_CHARACTERS)}`, world.folder));
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
      // It does not listen yet.
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
