/**
 * The load generator, in a separate process for each measurement. It reads a job from standard input and writes one outcome for each round to
 * standard output.
 */
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
