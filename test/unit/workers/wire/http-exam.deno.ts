/** The exam on Deno: `deno run -A test/unit/workers/wire/http-exam.deno.ts`. One line per case; exit code 1 where one failed. */
import process from "node:process";
import { CASES } from "./http-exam.ts";
import { IMPLEMENTATIONS } from "./http-implementations.ts";

let failed = 0;
const [http1] = IMPLEMENTATIONS;
if (http1 === undefined) throw new Error("no client sits the exam");
for (const { name, run } of CASES)
  try {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("took longer than 15 s")), 15_000);
    });
    await Promise.race([run(http1), late]);
    clearTimeout(timer);
    console.log(`ok ${name}`);
  } catch (thrown) {
    failed++;
    console.log(`FAILED ${name}\n${thrown instanceof Error ? thrown.stack : thrown}`);
  }
console.log(`${CASES.length - failed} of ${CASES.length} cases passed`);
process.exit(failed === 0 ? 0 : 1);
