/** By command, as long as one likes: `bun test/unit/http/fuzz.ts [inputs] [seed]`. A million inputs take some minutes. */
import process from "node:process";
import { program } from "./examined.ts";
import { compare, fuzz } from "./fuzzed.ts";

const [count = 1_000_000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
const BATCH = 10_000;
const witness = await program("node", ["test/unit/http/echo-node.mjs"]);
console.log(`${count} inputs from seed ${seed}; each hundredth goes to node:http as well`);
const kinds = new Map<string, number>();
let agreed = 0;
for (let done = 0; done < count; done += BATCH) {
  const size = Math.min(BATCH, count - done);
  for (const [kind, times] of await fuzz(seed + done, size)) kinds.set(kind, (kinds.get(kind) ?? 0) + times);
  agreed += await compare(witness.port, seed + done, Math.ceil(size / 100));
}
console.log(`no crash, no hang, one verdict for every cut; ${agreed} requests understood alike by both; ${kinds.size} kinds of outcome:`);
for (const [kind, times] of [...kinds].sort(([, a], [, b]) => b - a).slice(0, 20)) console.log(`${String(times).padStart(9)}  ${kind}`);
await witness.stop();
process.exit(0);
