#!/usr/bin/env node
/** `weir ARGS…` (`npx weir …` in a clone): runs the program in the current folder, with the Bun of the packages or the one on the PATH. */
import { join } from "node:path";
import process from "node:process";
import { endAs, prepare, root, run } from "./toolchain.mjs";

const words = process.argv.slice(2);
// Without arguments a person wants to see the commands. `npm start`, images and services start the program itself.
if (words.length === 0) words.push("--help");
endAs(await run(prepare({ dev: false }), [join(root, "src", "main.ts"), ...words], { folder: process.cwd() }));
