/** The tests use a real Redis where there is one. On Debian and its kin it is installed where this user may do that. */
import { spawnSync } from "node:child_process";

const quiet = { stdio: /** @type {const} */ ("ignore"), timeout: 20_000 };

/** @param {string} command @param {string[]} args */
const succeeds = (command, ...args) => spawnSync(command, args, quiet).status === 0;

/** @returns {string[] | undefined} the words before `apt-get` that make this user root; undefined where nothing does */
function asRoot() {
  if (process.getuid?.() === 0) return [];
  return succeeds("sudo", "-n", "true") ? ["sudo", "-n"] : undefined;
}

/** @returns {string | undefined} why there is no Redis; undefined where there is */
function install() {
  if (!succeeds("apt-get", "--version")) return "there is no apt-get to install it with";
  const prefix = asRoot();
  if (!prefix) return "installing it takes root or a sudo without password";
  console.error("weir: installing redis-server for the tests …");
  for (const words of [["update"], ["install", "--yes", "--no-install-recommends", "redis-server"]]) {
    // RUNLEVEL=1: the package's service is not to be started; the tests start their own, on ports of their own.
    const [command = "", ...args] = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", "--quiet=2", ...words];
    const { status, stderr, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8", timeout: 300_000 });
    // A stale list may still do, so only the second step must succeed.
    if (status !== 0 && words[0] === "install") return `apt-get failed: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
  }
  return succeeds("redis-server", "--version") ? undefined : "it does not run although apt-get installed it";
}

/** Sees to it that `redis-server` is there, or says in one line why not. */
export function ensureRedis() {
  if (succeeds("redis-server", "--version")) return;
  const reason = install();
  if (reason) console.error(`weir: redis-server is missing and ${reason}; the tests that need it will be reported as not run.`);
}
