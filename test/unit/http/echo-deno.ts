/** Ours over `node:net`, as it runs on Deno; as `echo-node.mjs`. `deno run -A test/unit/http/echo-deno.ts`. */
import process from "node:process";
import { overNode } from "./examined.ts";

const { port } = await overNode();
process.stdout.write(`${port}\n`);
process.stdin.resume().on("end", () => process.exit(0));
