/** Tests use real servers. On Debian and its relatives this installs them, where the user has the right to. */
import { spawnSync } from "node:child_process";

const quiet = { stdio: /** @type {const} */ ("ignore"), timeout: 20_000 };

/** Programs that tests use, with the package of each. */
const PROGRAMS = [
  { program: "redis-server", from: "redis-server" },
  { program: "prometheus", from: "prometheus" },
  { program: "promtool", from: "prometheus" },
];

/** @param {string} command @param {string[]} args */
const succeeds = (command, ...args) => spawnSync(command, args, quiet).status === 0;

/** @returns {string[] | undefined} the words before `apt-get` that make this user root; undefined where there are none */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return succeeds("sudo", "-n", "true") ? ["sudo", "-n"] : undefined;
}

/** @param {string[]} packages @returns {string | undefined} why they were not installed; undefined where they were */
function install(packages) {
  if (!succeeds("apt-get", "--version")) return "there is no apt-get to install it with";
  const prefix = asRoot();
  if (!prefix) return "installing it takes root or a sudo without password";
  console.error(`weir: installing ${packages.join(" and ")} for the tests …`);
  for (const words of [["update"], ["install", "--yes", "--no-install-recommends", ...packages]]) {
    // RUNLEVEL=1: the packages must not start their services; the tests start their own, on other ports.
    const [command = "", ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "--quiet=2", ...words];
    const { status, stderr, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", timeout: 300_000 });
    // An outdated list may still work, so only the second step must succeed.
    if (status !== 0 && words[0] === "install") return `apt-get failed: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
  }
  return undefined;
}

/** Makes sure that Redis and Prometheus are installed, or says in one line for each program why not. */
export function ensurePrograms() {
  const missing = PROGRAMS.filter(({ program }) => !succeeds(program, "--version"));
  if (missing.length === 0) return;
  const reason = install([...new Set(missing.map(({ from }) => from))]);
  for (const { program } of missing) {
    const left = reason ?? (succeeds(program, "--version") ? undefined : "it does not run although apt-get installed it");
    if (left) console.error(`weir: ${program} is missing and ${left}; the tests that need it will be reported as not run.`);
  }
}
