/** `bun bench/attack/flooder.ts FLOOD PORT ADMIN-PORT SECONDS`: one flood, in a process of its own. Prints how often it was answered with what. */
import process from "node:process";
import type { Counts } from "./caller.ts";
import { FILLS, FLOODS } from "./floods.ts";

const [name = "", port, adminPort, seconds] = process.argv.slice(2);
const run = FLOODS[name]?.run ?? FILLS[name];
if (run === undefined) throw new Error(`there is no flood "${name}"`);
const counts: Counts = {};
// The bodies are made before the time begins: the largest take a second.
await run({ port: Number(port), adminPort: Number(adminPort), untilMs: performance.now() + Number(seconds) * 1_000, counts });
process.stdout.write(JSON.stringify(counts));
process.exit(0);
