/** The load generator, a process of its own for each measurement: reads a job from standard input, writes what it found to standard output, one outcome for each round. */
import type { Job } from "./load/job.ts";
import { rounds } from "./load/turns.ts";

const job = (await Bun.stdin.json()) as Job;
try {
  process.stdout.write(JSON.stringify(await rounds(job)));
  process.exit(0);
} catch (thrown) {
  process.stderr.write(thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(1);
}
