/**
 * Weir's entry: sees to it that the runtime has its settings, and runs the program. Apart from the program, because the runtime reads its settings
 * before it loads anything, and starting over is cheap only as long as little has been loaded.
 */
import process from "node:process";
import { heapBytes } from "./config/memory.ts";
import { installAndStart, lacksPackages } from "./runtime/packages.ts";
import { sameCommand, spareLoopback, startTuned, wantsPackagesInstalled } from "./runtime/runtime.ts";

spareLoopback(process.env);
const [first = "start"] = process.argv.slice(2);
// Any other command word: it is over before a setting would pay.
if (first === "start" || first.startsWith("-")) startTuned(process.env, heapBytes());
if (first === "health") {
  // Asked every few seconds: it loads no more than it needs.
  const { runHealth } = await import("./commands/health.ts");
  const { text, exitCode } = await runHealth(process.env);
  process.stdout.write(text);
  process.exitCode = exitCode;
} else {
  try {
    const { main } = await import("./process/program.ts");
    await main();
  } catch (thrown) {
    if (!wantsPackagesInstalled || !lacksPackages(thrown, process.env)) throw thrown;
    installAndStart(sameCommand(), process.env);
  }
}
