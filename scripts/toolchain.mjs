/**
 * From a fresh clone to a running Bun, for a machine that has Node 20 and npm and nothing else. Only Node's own modules may be used here:
 * this runs before anything is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const modules = join(root, "node_modules");

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The Bun that started this script (`bun start`), if one did: Bun in the place of Node, or Bun's script runner with a Node beside it. */
const launchingBun = () => {
  if (process.versions.bun) return process.execPath;
  const launcher = process.env.npm_execpath ?? "";
  return /^bun(\.exe)?$/.test(basename(launcher)) ? launcher : undefined;
};

/**
 * Whether node_modules holds what package-lock.json says. npm leaves a copy of what it installed in node_modules/.package-lock.json; Bun leaves none,
 * and then the packages that package.json names are looked at one by one.
 * @param {{ dev: boolean }} scope
 */
function isInstalled({ dev }) {
  const lock = readJson(join(root, "package-lock.json")).packages;
  const receipt = join(modules, ".package-lock.json");
  if (existsSync(receipt)) {
    const present = readJson(receipt).packages;
    return Object.entries(lock).every(([path, wanted]) => {
      // Optional packages are mostly those of other platforms.
      if (path === "" || wanted.optional || wanted.devOptional || (wanted.dev && !dev)) return true;
      return present[path]?.integrity === wanted.integrity;
    });
  }
  const named = { ...lock[""].dependencies, ...(dev ? lock[""].devDependencies : {}) };
  return Object.keys(named).every((name) => {
    const manifest = join(modules, name, "package.json");
    return existsSync(manifest) && readJson(manifest).version === lock[`node_modules/${name}`]?.version;
  });
}

/** @param {string} reason @returns {never} */
function stop(reason) {
  console.error(`weir: ${reason}`);
  process.exit(1);
}

function installCommand() {
  const bun = launchingBun();
  if (bun) return [bun, "install", "--frozen-lockfile"];
  const launcher = process.env.npm_execpath ?? "";
  const npm = basename(launcher) === "npm-cli.js" ? [process.execPath, launcher] : ["npm"];
  // Named, because a machine's npm may be told to leave them out (NODE_ENV=production does that too): Bun and the tools are among them.
  return [...npm, "ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
}

function install() {
  console.error("weir: installing the packages of the lock file …");
  const [command = "", ...args] = installCommand();
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (error || status !== 0) stop(`the packages could not be installed (${error?.message ?? `exit ${status}`}); the lines above say why.`);
}

/**
 * Some packages are a binary that their install script puts in place, and that script may not have run (`ignore-scripts`, npm's allow list, pnpm,
 * Bun). Running it again is harmless and needs no network: the binary lies in an optional package beside it.
 * @param {string} name @param {string} script @param {string} binary
 */
export function finishInstall(name, script, binary) {
  const folder = join(modules, name);
  if (!existsSync(folder) || versionOf(join(folder, binary))) return;
  spawnSync(process.execPath, [script], { cwd: folder, stdio: "ignore", timeout: 120_000 });
}

/** What the program calls itself, or undefined where it cannot run (Bun's package has a stub in its place until the install script ran). @param {string} program */
function versionOf(program) {
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8", timeout: 20_000 });
  return status === 0 ? stdout.trim() : undefined;
}

/** @param {string | undefined} version @param {string} least */
function isAtLeast(version, least) {
  const [a, b] = [version ?? "", least].map((text) => (text.match(/\d+/g) ?? []).map(Number));
  for (let i = 0; i < 3; i++) if ((a?.[i] ?? 0) !== (b?.[i] ?? 0)) return (a?.[i] ?? 0) > (b?.[i] ?? 0);
  return true;
}

function findBun() {
  const least = readJson(join(root, "package.json")).engines.bun;
  const packaged = join(modules, "bun", "bin", "bun.exe");
  /** Where the package's folder cannot be written, its binary stays where npm unpacked it. */
  const unpacked = () => {
    const scope = join(modules, "@oven");
    if (!existsSync(scope)) return [];
    return readdirSync(scope).flatMap((name) => [join(scope, name, "bin", "bun"), join(scope, name, "bin", "bun.exe")]);
  };
  const good = (/** @type {string | undefined} */ program) => program !== undefined && isAtLeast(versionOf(program) ?? "0", least);
  const launched = launchingBun();
  if (good(launched)) return launched;
  finishInstall("bun", "install.js", join("bin", "bun.exe"));
  return [packaged, ...unpacked(), "bun"].find(good);
}

/**
 * Installs what is missing and finds Bun.
 * @param {{ dev: boolean }} scope dev: the tools and the test clients too; a machine that was given only the production packages and a Bun of its own can start without.
 * @returns {string} the program
 */
export function prepare(scope) {
  const bun = isInstalled(scope) ? findBun() : undefined;
  if (bun) return bun;
  install();
  return findBun() ?? stop("Bun is not among the installed packages and not on the PATH: see https://bun.com/docs/installation.");
}

/**
 * Runs a program in this one's place: same streams, same environment, same end, signals handed on.
 * @param {string} program @param {string[]} args
 * @param {(text: string) => void} [overhear] gets what the program writes to its error stream, which still goes to ours
 * @returns {Promise<{ code: number, signal: NodeJS.Signals | null }>}
 */
export function run(program, args, overhear) {
  // Bun's fetch serves 256 calls at a time unless this is set before Bun starts.
  /** @type {NodeJS.ProcessEnv} */
  const env = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336", ...process.env };
  const child = spawn(program, args, { cwd: root, stdio: ["inherit", "inherit", overhear ? "pipe" : "inherit"], env });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    process.stderr.write(text);
    overhear?.(text);
  });
  // A terminal that is closed sends SIGHUP to everyone in it; to the gateway alone that would mean "read the configuration again".
  /** @type {[NodeJS.Signals, () => void][]} */
  const handOn = [
    ["SIGINT", () => child.kill("SIGINT")],
    ["SIGTERM", () => child.kill("SIGTERM")],
    ["SIGHUP", () => child.kill("SIGTERM")],
  ];
  for (const [signal, listener] of handOn) process.on(signal, listener);
  return new Promise((resolve) => {
    child.on("error", (error) => stop(`${program} could not be started: ${error.message}`));
    child.on("close", (code, signal) => {
      for (const [name, listener] of handOn) process.off(name, listener);
      resolve({ code: code ?? 1, signal });
    });
  });
}

/** Ends as the program did. @param {{ code: number, signal: NodeJS.Signals | null }} ending */
export function endAs({ code, signal }) {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code);
}
