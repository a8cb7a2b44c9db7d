/** `npm run check`: format and lint, types, unused code and dependencies, known vulnerabilities. All run side by side, and none stops the others. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { audit } from "./audit.mjs";
import { prepare, root } from "./toolchain.mjs";

/** @type {[string, ...string[]][]} */
const CHECKS = [["biome", "check", "--error-on-warnings", "."], ["tsc", "--project", "."], ["knip"]];

prepare({ dev: true });

/** @param {[string, ...string[]]} words @returns {Promise<boolean>} whether all was well */
function check([tool, ...args]) {
  const child = spawn(join(root, "node_modules", ".bin", tool), args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part) => (text += part));
  return new Promise((resolve) => {
    child.on("error", (error) => (text += `${error.message}\n`));
    child.on("close", (code) => {
      if (code !== 0) process.stdout.write(text);
      console.log(`${code === 0 ? "ok    " : "FAILED"} ${[tool, ...args].join(" ")}`);
      resolve(code === 0);
    });
  });
}

/** @returns {Promise<boolean>} whether all was well */
async function checkPackages() {
  const { isGood, lines } = await audit();
  for (const line of lines) console.log(line);
  console.log(`${isGood ? "ok    " : "FAILED"} npm audit`);
  return isGood;
}

const results = await Promise.all([...CHECKS.map(check), checkPackages()]);
process.exitCode = results.every(Boolean) ? 0 : 1;
