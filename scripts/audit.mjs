/**
 * Known vulnerabilities of the packages that Weir runs with. `npm run check` asks the registry for them. Those that were reviewed and do no harm here are in
 * `scripts/advisories.json`, with the reason. A registry that does not answer is reported, but is no failure: a check must not depend on another party's server.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./toolchain.mjs";

const PATIENCE_MS = 20_000;
const COMMAND = ["npm", "audit", "--omit=dev", "--omit=peer", "--json", "--fetch-retries=0", "--fetch-timeout=10000"];
/** Matches the id of an advisory, as GitHub writes it. */
const ADVISORY = /GHSA(?:-[0-9a-z]{4}){3}/;

/** @typedef {{ id: string, because: string }} Known one that does no harm here */
/** @typedef {{ isGood: boolean, lines: string[] }} Verdict */

/** @returns {Known[]} */
export function knownAdvisories() {
  return JSON.parse(readFileSync(join(root, "scripts", "advisories.json"), "utf8"));
}

/**
 * Judges the output of `npm audit --json`.
 * @param {string} text @param {readonly Known[]} known
 * @returns {Verdict}
 */
export function judge(text, known) {
  const report = parsed(text);
  if (report?.auditReportVersion !== 2) return { isGood: true, lines: [`not asked: ${reason(report)}`] };
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { via } of Object.values(report.vulnerabilities ?? {})) {
    for (const one of via) {
      // A text: the vulnerability is in a package further down, which has its own entry.
      if (typeof one === "string") continue;
      const id = ADVISORY.exec(one.url ?? "")?.[0] ?? `advisory ${one.source}`;
      found.set(id, `${id}: ${one.name}, ${one.severity}: ${one.title} (${one.url})`);
    }
  }
  const isKnown = (/** @type {string} */ id) => known.some((one) => one.id === id);
  const fresh = [...found].filter(([id]) => !isKnown(id)).map(([, line]) => line);
  const gone = known
    .filter(({ id }) => !found.has(id))
    .map(({ id }) => `${id} is not found any more: take it out of scripts/advisories.json`);
  return { isGood: fresh.length === 0, lines: [...fresh, ...gone] };
}

/** @param {string} text @returns {Record<string, any> | undefined} */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @param {Record<string, any> | undefined} report */
function reason(report) {
  const message = report?.message ?? report?.error?.summary;
  return typeof message === "string" && message !== "" ? message.split("\n")[0] : "the registry gave no answer";
}

/**
 * Asks the registry for known vulnerabilities.
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {Promise<Verdict>}
 */
export function audit(environment = process.env) {
  const [program = "", ...args] = COMMAND;
  const child = spawn(program, args, {
    cwd: root,
    env: environment,
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => (text += part));
  const timer = setTimeout(() => child.kill(), PATIENCE_MS);
  return new Promise((resolve) => {
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ isGood: true, lines: [`not asked: npm cannot be run (${error.message})`] });
    });
    child.on("close", () => {
      clearTimeout(timer);
      resolve(judge(text, knownAdvisories()));
    });
  });
}
