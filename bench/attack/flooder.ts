/** `bun bench/attack/flooder.ts FLOOD PORT ADMIN-PORT SECONDS`: one flood, as a separate program. It prints how often each answer came. */
import process from "node:process";
import type { Counts } from "./caller.ts";
import { FILLS, FLOODS } from "./floods.ts";

const [name = "", port, adminPort, seconds] = process.argv.slice(2);
const run = FLOODS[name]?.run ?? FILLS[name];
if (run === undefined) throw new Error(`there is no flood "${name}"`);
const counts: Counts = {};
// To make the largest bodies takes a second of this time.
await run({ port: Number(port), adminPort: Number(adminPort), untilMs: performance.now() + Number(seconds) * 1_000, counts });
process.stdout.write(JSON.stringify(counts));
process.exit(0);
