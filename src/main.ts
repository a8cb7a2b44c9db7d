/**
 * Weir's entry: sees to it that the runtime has its settings, and runs the program. Apart from the program, because the runtime reads its settings
 * before it loads anything, and starting over is cheap only as long as little has been loaded.
 */
import process from "node:process";
import { heapBytes } from "./config/memory.ts";
import { startTuned } from "./runtime.ts";

const [first = "-"] = process.argv.slice(2);
// A command word: it is over before any setting would pay.
if (first.startsWith("-")) startTuned(process.env, heapBytes());
const { main } = await import("./program.ts");
await main();
