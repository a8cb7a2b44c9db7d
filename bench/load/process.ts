/** Runs the load generator as a separate process. */
import { join } from "node:path";
import { WITH_MOST_FILES } from "../processes.ts";
import type { Job, Outcome } from "./job.ts";

/** How much longer than planned a measurement may take. */
const PATIENCE_MS = 120_000;

/** Resolves to one outcome for each round of the job. */
export async function inOwnProcess(job: Job): Promise<Outcome[]> {
  const child = Bun.spawn([...WITH_MOST_FILES, process.execPath, join(import.meta.dir, "../load.ts")], {
    stdin: Buffer.from(JSON.stringify(job)),
    stdout: "pipe",
    stderr: "pipe",
  });
  const timer = setTimeout(
    () => child.kill("SIGKILL"),
    PATIENCE_MS + job.targets.reduce((sum, { warmUpMs }) => sum + 2 * (warmUpMs + job.countMs) * Math.max(1, job.turns), job.countMs),
  );
  const [text, wrong] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  clearTimeout(timer);
  if (child.exitCode !== 0) throw new Error(wrong.trim() || "the load did not end in time: a program does not answer");
  return JSON.parse(text) as Outcome[];
}
