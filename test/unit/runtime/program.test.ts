import { expect, test } from "bun:test";
import { programOf, type Started } from "../../../src/runtime/program.ts";

const BUN = "/usr/local/bin/bun";
const PACKAGED_BUN = "/home/me/weir/node_modules/bun/bin/bun.exe";
const SCRIPT = "/home/me/weir/src/main.ts";
const NPM = { npm_command: "exec", npm_config_user_agent: "npm/11.0.0 node/v24.0.0 linux x64" };
const BUN_RUN = { npm_command: "run-script", npm_config_user_agent: "bun/1.4.5 npm/? node/v26.3.0 linux x64" };

const rows: [what: string, started: Partial<Started>, words: string][] = [
  ["by npm or npx in a clone", { execPath: PACKAGED_BUN, environment: NPM }, "npx weir"],
  ["by Bun's script runner", { environment: BUN_RUN }, "bun src/main.ts"],
  ["by Bun in the clone", {}, "bun src/main.ts"],
  ["by Bun in another folder", { folder: "/data" }, "bun /home/me/weir/src/main.ts"],
  ["by Bun in a folder that was removed", { folder: undefined }, "bun /home/me/weir/src/main.ts"],
  ["by Bun in the folder of the script", { folder: "/home/me/weir/src" }, "bun ./main.ts"],
  ["by a script of the clone without npm", { execPath: PACKAGED_BUN }, "node scripts/weir.mjs"],
  ["installed for the machine", { script: "/usr/lib/node_modules/weir/src/main.ts", folder: "/data" }, "weir"],
  ["by Deno in the clone", { isDeno: true, execPath: "/usr/bin/deno" }, "deno run -A src/main.ts"],
  ["by Deno under npm", { isDeno: true, environment: NPM }, "deno run -A src/main.ts"],
  ["as one file", { execPath: "/home/me/weir/dist/weir", script: "/$bunfs/root/weir" }, "dist/weir"],
  ["as one file in the current folder", { execPath: "/data/weir", script: "/$bunfs/root/weir", folder: "/data" }, "./weir"],
  ["as one file in another folder", { execPath: "/opt/we ir's/weir", script: "/$bunfs/root/weir" }, "'/opt/we ir'\\''s/weir'"],
];

for (const [what, started, words] of rows)
  test(`a command begins with ${words} where Weir was started ${what}`, () => {
    expect(programOf({ execPath: BUN, script: SCRIPT, folder: "/home/me/weir", isDeno: false, environment: {}, ...started })).toBe(words);
  });
