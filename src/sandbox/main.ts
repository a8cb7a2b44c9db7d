/**
 * The stand-ins as a program. It prints one line of JSON with their addresses and the credentials that they accept, and runs until a signal ends it.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { EXIT_USAGE } from "../contract/exit.ts";
import { startSandbox } from "./sandbox.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "0" }, pace: { type: "string", default: "0" } } });

function numberOf(option: keyof typeof values): number {
  if (/^\d+(\.\d+)?$/.test(values[option])) return Number(values[option]);
  process.stderr.write(`sandbox: --${option} ${values[option]}: expected a number that is not negative.\n`);
  process.exit(EXIT_USAGE);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
const sandbox = await startSandbox({ port: numberOf("port"), paceMs: numberOf("pace") });
const { bedrock, azure, authority, credentials } = sandbox;
process.stdout.write(`${JSON.stringify({ bedrock, azure, authority, credentials })}\n`);
