/**
 * From a fresh clone to a running Bun, on a machine with only Node 20 and npm. Only Node's own modules may be used here:
 * this runs before anything is installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

const modules = join(root, "node_modules");
const isClone = existsSync(join(root, "package-lock.json"));

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** The Bun that started this script (`bun start`), if one did: Bun in place of Node, or Bun's script runner with a Node. */
const launchingBun = () => {
  if (process.versions.bun) return process.execPath;
  const launcher = process.env.npm_execpath ?? "";
  return /^bun(\.exe)?$/.test(basename(launcher)) ? launcher : undefined;
};

/**
 * Whether node_modules has what package-lock.json says. npm leaves a copy of its list in node_modules/.package-lock.json. Bun leaves none;
 * then the packages in package.json are checked one by one.
 * @param {{ dev: boolean }} scope
 */
function isInstalled({ dev }) {
  // Installed as a package: npm has installed the other packages beside it, and left the lock file out.
  if (!isClone) return true;
  const lock = readJson(join(root, "package-lock.json")).packages;
  const receipt = join(modules, ".package-lock.json");
  if (existsSync(receipt)) {
    const present = readJson(receipt).packages;
    return Object.entries(lock).every(([path, wanted]) => {
      // Optional packages are mostly for other platforms; peer packages are those of Elysia that Weir does not use.
      if (path === "" || wanted.optional || wanted.devOptional || (!dev && (wanted.dev || wanted.peer))) return true;
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

/** @param {{ dev: boolean }} scope */
function installCommand({ dev }) {
  const bun = launchingBun();
  if (bun) return [bun, "install", "--frozen-lockfile", ...(dev ? [] : ["--production"])];
  const launcher = process.env.npm_execpath ?? "";
  const npm = basename(launcher) === "npm-cli.js" ? [process.execPath, launcher] : ["npm"];
  // Given as options, because a machine's npm may have other settings (by NODE_ENV too). Bun is an optional package, the tools are development packages.
  return [
    ...npm,
    "ci",
    "--include=optional",
    ...(dev ? ["--include=dev"] : ["--omit=dev", "--omit=peer"]),
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
}

/** @param {{ dev: boolean }} scope */
function install(scope) {
  console.error("weir: installing the packages of the lock file …");
  const [command = "", ...args] = installCommand(scope);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (error || status !== 0) stop(`the packages could not be installed (${error?.message ?? `exit ${status}`}); the lines above say why.`);
}

/**
 * Some packages have a binary that their install script puts in place, and that script may not have run (`ignore-scripts`, npm's allow list, pnpm,
 * Bun). Running it again is harmless and needs no network: the binary is in an optional package.
 * @param {string} name @param {string} script @param {string} binary @param {string} [folder] of the package
 */
export function finishInstall(name, script, binary, folder = join(modules, name)) {
  if (!existsSync(folder) || versionOf(join(folder, binary))) return;
  spawnSync(process.execPath, [script], { cwd: folder, stdio: "ignore", timeout: 120_000 });
}

/** The program's version, or undefined where it cannot run (Bun's package has a stub in its place until the install script has run). @param {string} program */
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

/** The folder of a package, wherever npm has installed it. @param {string} name */
function besideUs(name) {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return join(modules, name);
  }
}

function findBun() {
  const least = readJson(join(root, "package.json")).engines.bun;
  const packaged = join(isClone ? join(modules, "bun") : besideUs("bun"), "bin", "bun.exe");
  /** The binary where npm unpacked it, for a package whose folder cannot be written. */
  const unpacked = () => {
    const scope = join(packaged, "../../../@oven");
    if (!existsSync(scope)) return [];
    return readdirSync(scope).flatMap((name) => [join(scope, name, "bin", "bun"), join(scope, name, "bin", "bun.exe")]);
  };
  const good = (/** @type {string | undefined} */ program) => program !== undefined && isAtLeast(versionOf(program) ?? "0", least);
  const launched = launchingBun();
  if (good(launched)) return launched;
  finishInstall("bun", "install.js", join("bin", "bun.exe"), join(packaged, "../.."));
  return [packaged, ...unpacked(), "bun"].find(good);
}

/**
 * Installs what is missing and finds Bun.
 * @param {{ dev: boolean }} scope dev: with the tools and the test clients. A machine with the production packages and its own Bun can start without them.
 * @returns {string} path of the program
 */
export function prepare(scope) {
  const bun = isInstalled(scope) ? findBun() : undefined;
  if (bun) return bun;
  if (isClone) install(scope);
  return findBun() ?? stop("Bun is not among the installed packages and not on the PATH: see https://bun.com/docs/installation.");
}

/**
 * Runs a program in place of this one: same streams, same environment, same exit code, signals passed on.
 * @param {string} program @param {string[]} args
 * @param {{ folder?: string, overhear?: (text: string) => void }} [setting] folder: where it runs, by default the project's. overhear: also gets what the
 *   program writes to its error stream, which still goes to ours
 * @returns {Promise<{ code: number, signal: NodeJS.Signals | null }>}
 */
export function run(program, args, { folder = root, overhear } = {}) {
  // Bun's fetch serves 256 calls at a time unless this is set before Bun starts.
  /** @type {NodeJS.ProcessEnv} */
  const env = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336", ...process.env };
  const child = spawn(program, args, { cwd: folder, stdio: ["inherit", "inherit", overhear ? "pipe" : "inherit"], env });
  child.stderr?.setEncoding("utf8").on("data", (text) => {
    process.stderr.write(text);
    overhear?.(text);
  });
  // A terminal that is closed sends SIGHUP to all its processes. For the gateway alone SIGHUP means "read the configuration again".
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

/** Ends with the program's exit code or signal. @param {{ code: number, signal: NodeJS.Signals | null }} ending */
export function endAs({ code, signal }) {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code);
}
