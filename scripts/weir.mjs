#!/usr/bin/env node
/** `weir ARGS…` (`npx weir …` in a clone): the program, in the folder of whoever asks, by the Bun of the packages or one on the PATH. */
import { join } from "node:path";
import process from "node:process";
import { endAs, prepare, root, run } from "./toolchain.mjs";

endAs(await run(prepare({ dev: false }), [join(root, "src", "main.ts"), ...process.argv.slice(2)], { folder: process.cwd() }));
