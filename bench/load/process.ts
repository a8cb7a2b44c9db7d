/** A load generator in a process of its own. */
import { join } from "node:path";
import { WITH_MOST_FILES } from "../processes.ts";
import type { Job, Outcome } from "./job.ts";

export async function inOwnProcess(job: Job): Promise<Outcome> {
  const child = Bun.spawn([...WITH_MOST_FILES, process.execPath, join(import.meta.dir, "../load.ts")], {
    stdin: Buffer.from(JSON.stringify(job)),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, wrong] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (child.exitCode !== 0) throw new Error(wrong.trim());
  return JSON.parse(text) as Outcome;
}
