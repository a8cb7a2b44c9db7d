/**
 * Weir's entry: makes sure that the runtime has its settings, and runs the program. It is separate from the program, because the runtime reads its
 * settings before it loads anything, and starting again is cheap only while little has been loaded.
 */
import process from "node:process";
import { heapBytes } from "./config/memory.ts";
import { installAndStart, lacksPackages } from "./runtime/packages.ts";
import { sameCommand, spareLoopback, startTuned, wantsPackagesInstalled } from "./runtime/runtime.ts";

spareLoopback(process.env);
const [first = "start"] = process.argv.slice(2);
// Any other command ends before the settings would be useful.
if (first === "start" || first.startsWith("-")) startTuned(process.env, heapBytes());
if (first === "health") {
  // A container asks every few seconds, so this loads only what it needs.
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
