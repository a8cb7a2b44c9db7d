/** The load generator, a process of its own for each measurement: reads a job from standard input, writes what it found to standard output. */
import type { Job } from "./load/job.ts";
import { KINDS } from "./load/kinds.ts";

const job = (await Bun.stdin.json()) as Job;
try {
  process.stdout.write(JSON.stringify(await KINDS[job.kind](job)));
  process.exit(0);
} catch (thrown) {
  process.stderr.write(thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(1);
}
