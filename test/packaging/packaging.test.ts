import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { freePort } from "../support/waits.ts";
import { buildImage } from "./dockerfile.ts";

setDefaultTimeout(60_000);

const ROOT = join(import.meta.dir, "../..");
const scratch = mkdtempSync(join(tmpdir(), "weir-packaging-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const text = (file: string) => readFileSync(join(ROOT, file), "utf8");

interface Manifest {
  engines: { node: string; bun: string };
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  bin: Record<string, string>;
}
interface LockedPackage {
  name?: string;
  version: string;
  integrity?: string;
  dev?: boolean;
  peer?: boolean;
  optionalDependencies?: Record<string, string>;
}
const manifest: Manifest = JSON.parse(text("package.json"));
const packages: Record<string, LockedPackage> = JSON.parse(text("package-lock.json")).packages;
const named = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.devDependencies };

test("the pages link to files that exist", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter(
    (page) => page.endsWith(".md"),
  );
  const links = pages.flatMap((page) =>
    [...text(page).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => [page, target ?? ""] as const),
  );
  expect(links.length).toBeGreaterThan(3);
  expect(links.filter(([page, target]) => !existsSync(join(ROOT, page, "..", target)))).toEqual([]);
});

describe("the packages", () => {
  test("have exact versions", () => {
    for (const [name, version] of Object.entries(named)) expect(`${name} ${version}`).toMatch(/ (npm:\S+@)?\d+\.\d+\.\d+$/);
  });

  test("are each explained by one line of docs/dependencies.md, which has no others", () => {
    const explained = [...text("docs/dependencies.md").matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)];
    expect(explained.map(([, name]) => name ?? "").sort()).toEqual(Object.keys(named).sort());
    for (const [line, , sentence] of explained) expect(sentence?.length, line).toBeGreaterThan(20);
  });

  test("are locked without the address of any registry", () => {
    expect(text("package-lock.json")).not.toMatch(/"resolved"|https?:\/\/[^"]*\.tgz/);
    expect(text("bun.lock")).not.toMatch(/https?:\/\//);
  });

  test("are locked for every platform, and with a checksum", () => {
    const found = (path: string, name: string): boolean => {
      const inside = `${path === "" ? "" : `${path}/`}node_modules/${name}`;
      if (inside in packages) return true;
      return path !== "" && found(path.slice(0, Math.max(0, path.lastIndexOf("/node_modules/"))), name);
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !found(path, name)),
    );
    // npm refuses the whole lock file where one is missing, on this platform too.
    expect(missing).toEqual([]);
    expect(Object.entries(packages).filter(([path, { integrity }]) => path !== "" && integrity === undefined)).toEqual([]);
  });

  test("are the same in both lock files (else: rm bun.lock && bun install --lockfile-only)", () => {
    // bun.lock is JSON with trailing commas, which YAML allows.
    const bun: { packages: Record<string, [string]> } = parse(text("bun.lock"));
    const ofBun = new Set(Object.values(bun.packages).map(([id]) => id));
    const ofNpm = new Set(
      Object.entries(packages).flatMap(([path, { name, version }]) =>
        path === "" ? [] : [`${name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)}@${version}`],
      ),
    );
    expect([...ofBun].sort()).toEqual([...ofNpm].sort());
  });
});

/** A folder that is a separate project: our scripts and lock file, packages that seem installed, and a PATH with the named programs alone. */
function project(options: { test?: string; main?: string; tools?: Record<string, string> } = {}) {
  const folder = mkdtempSync(join(scratch, "project-"));
  const path = join(folder, "path");
  for (const name of ["path", "src", "test", "node_modules/bun/bin", "node_modules/@oven/bun-here/bin"])
    mkdirSync(join(folder, name), { recursive: true });
  cpSync(join(ROOT, "scripts"), join(folder, "scripts"), { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) cpSync(join(ROOT, file), join(folder, file));
  const { "": _project, ...installed } = packages;
  writeFileSync(join(folder, "node_modules/.package-lock.json"), JSON.stringify({ packages: installed }));
  // The state that npm leaves when it runs no install scripts.
  tool(join(folder, "node_modules/bun/bin/bun.exe"), "exit 1");
  symlinkSync(process.execPath, join(folder, "node_modules/@oven/bun-here/bin/bun"));
  for (const name of ["sh", "env", "node"]) {
    const program = Bun.which(name) ?? (name === "node" ? process.execPath : undefined);
    if (program !== undefined) symlinkSync(program, join(path, name));
  }
  const tools = { "redis-server": "exit 0", prometheus: "exit 0", promtool: "exit 0", npm: "exit 9", ...options.tools };
  for (const [name, script] of Object.entries(tools)) tool(join(path, name), `echo ${name} "$@" >> "${folder}/called"\n${script}`);
  writeFileSync(join(folder, "src/main.ts"), options.main ?? "console.log(JSON.stringify(process.argv.slice(2)));");
  if (options.test !== undefined)
    writeFileSync(join(folder, "test/a.test.ts"), `import { expect, test } from "bun:test";\n${options.test}`);
  const start = (script: string, ...words: string[]) =>
    spawn(join(path, "node"), [`scripts/${script}`, ...words], {
      cwd: folder,
      env: { PATH: path, HOME: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
  return {
    folder,
    path,
    start,
    run: (script: string, ...words: string[]) => finish(start(script, ...words)),
    /** The tools that were called, without the questions whether a server is there. */
    called: () =>
      existsSync(join(folder, "called"))
        ? readFileSync(join(folder, "called"), "utf8")
            .split("\n")
            .filter((line) => line !== "" && !/^(redis-server|prometheus|promtool) --version$/.test(line))
        : [],
  };
}

function tool(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

async function finish(child: ChildProcess): Promise<{ code: number | null; signal: string | null; output: string; errors: string }> {
  let output = "";
  let errors = "";
  child.stdout?.setEncoding("utf8").on("data", (part) => {
    output += part;
  });
  child.stderr?.setEncoding("utf8").on("data", (part) => {
    errors += part;
  });
  const [code, signal] = await once(child, "close");
  return { code, signal, output, errors };
}

describe("npm start", () => {
  test("replaces the shell that runs it, so that a signal to npm arrives", () => {
    for (const script of Object.values(manifest.scripts)) expect(script).toMatch(/^exec node scripts\/\S+\.mjs( |$)/);
  });

  test("leaves installed packages alone, and finds Bun where its install script did not run", async () => {
    const { run, called } = project();
    expect(await run("with-bun.mjs", "src/main.ts", "check", "--config", "a b.yaml")).toMatchObject({
      code: 0,
      output: '["check","--config","a b.yaml"]\n',
      errors: "",
    });
    expect(called()).toEqual([]);
  });

  test("puts Bun in its place where the install script did not run", async () => {
    const { run, folder } = project();
    writeFileSync(
      join(folder, "node_modules/bun/install.js"),
      'require("node:fs").renameSync("../@oven/bun-here/bin/bun", "bin/bun.exe"); // as the real one does',
    );
    expect((await run("with-bun.mjs", "src/main.ts")).code).toBe(0);
    expect(spawnSync(join(folder, "node_modules/bun/bin/bun.exe"), ["--version"], { encoding: "utf8" }).stdout.trim()).toBe(Bun.version);
  });

  for (const [what, spoil] of [
    ["none are there", (folder: string) => rmSync(join(folder, "node_modules"), { recursive: true })],
    [
      "one is of another version",
      (folder: string) => change(join(folder, "node_modules/.package-lock.json"), "node_modules/elysia", { integrity: "sha512-old" }),
    ],
    ["one is missing", (folder: string) => change(join(folder, "node_modules/.package-lock.json"), "node_modules/yaml", undefined)],
  ] as const)
    test(`installs what running needs from the lock file where ${what}, and says so when that fails`, async () => {
      const { run, called, folder } = project();
      spoil(folder);
      const { code, errors } = await run("with-bun.mjs", "src/main.ts");
      expect(called()).toEqual(["npm ci --include=optional --omit=dev --omit=peer --no-audit --no-fund --loglevel=error"]);
      expect(errors).toContain("the packages could not be installed (exit 9)");
      expect(code).toBe(1);
    });

  test("does not miss the development packages where production has its own Bun", async () => {
    const { run, called, folder, path } = project();
    for (const [name, { version: _version, ...rest }] of Object.entries(packages))
      if ("dev" in rest) change(join(folder, "node_modules/.package-lock.json"), name, undefined);
    rmSync(join(folder, "node_modules/bun"), { recursive: true });
    rmSync(join(folder, "node_modules/@oven"), { recursive: true });
    symlinkSync(process.execPath, join(path, "bun"));
    expect(await run("with-bun.mjs", "src/main.ts")).toMatchObject({ code: 0, output: "[]\n" });
    expect(called()).toEqual([]);
  });

  test("does not miss what it leaves out itself: the development packages and the peers", async () => {
    const { run, called, folder } = project();
    for (const [name, { dev, peer }] of Object.entries(packages))
      if (dev || peer) change(join(folder, "node_modules/.package-lock.json"), name, undefined);
    expect(await run("with-bun.mjs", "src/main.ts")).toMatchObject({ code: 0, output: "[]\n" });
    expect(called()).toEqual([]);
  });

  test("does not use a Bun that is too old", async () => {
    const { run, folder, path } = project();
    rmSync(join(folder, "node_modules/@oven"), { recursive: true });
    tool(join(path, "bun"), "echo 1.1.45");
    expect((await run("with-bun.mjs", "src/main.ts")).errors).toContain("installing the packages");
  });

  test("ends with the exit code of what it ran", async () => {
    expect((await project({ main: "process.exit(3);" }).run("with-bun.mjs", "src/main.ts")).code).toBe(3);
  });

  test("ends by the signal that ended what it ran", async () => {
    expect((await project({ main: 'process.kill(process.pid, "SIGKILL");' }).run("with-bun.mjs", "src/main.ts")).signal).toBe("SIGKILL");
  });

  for (const [sent, arrives] of [
    ["SIGTERM", "SIGTERM"],
    ["SIGINT", "SIGINT"],
    ["SIGHUP", "SIGTERM"],
  ] as const)
    test(`hands ${sent} on as ${arrives} and waits for the end`, async () => {
      const main = `process.on("${arrives}", () => { console.log("draining"); setTimeout(() => process.exit(0), 50); }); setInterval(() => {}, 1000); console.log("ready");`;
      const child = project({ main }).start("with-bun.mjs", "src/main.ts");
      const ending = finish(child);
      await once(child.stdout, "data");
      child.kill(sent);
      expect(await ending).toMatchObject({ code: 0, output: "ready\ndraining\n" });
    });

  test("lifts the cap of Bun's fetch before Bun starts", async () => {
    const { output } = await project({ main: "console.log(process.env.BUN_CONFIG_MAX_HTTP_REQUESTS);" }).run("with-bun.mjs", "src/main.ts");
    expect(Number(output)).toBeGreaterThan(10_000);
  });
});

describe("weir, the command", () => {
  const main = "console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]));";

  test("is what package.json names, and a program", () => {
    expect(manifest.bin).toEqual({ weir: "scripts/weir.mjs" });
    expect(statSync(join(ROOT, "scripts/weir.mjs")).mode & 0o111).toBe(0o111);
    expect(text("scripts/weir.mjs")).toStartWith("#!/usr/bin/env node\n");
  });

  test("runs Weir in the folder in which it was typed, with the words that were given and the cap of Bun's fetch lifted", async () => {
    const { folder, path } = project({ main: `${main} console.log(process.env.BUN_CONFIG_MAX_HTTP_REQUESTS);` });
    const elsewhere = mkdtempSync(join(scratch, "elsewhere-"));
    const words = [join(folder, "scripts/weir.mjs"), "check", "--config", "a b.yaml"];
    const child = spawn(join(path, "node"), words, { cwd: elsewhere, env: { PATH: path }, stdio: ["ignore", "pipe", "pipe"] });
    const ending = await finish(child);
    expect(ending).toMatchObject({
      code: 0,
      output: `${JSON.stringify([elsewhere, "check", "--config", "a b.yaml"])}\n65336\n`,
      errors: "",
    });
  });

  test("by its bare name it shows what there is, and starts nothing", async () => {
    const { folder, path } = project({ main });
    const env = { PATH: path };
    const child = spawn(join(path, "node"), [join(folder, "scripts/weir.mjs")], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    expect(await finish(child)).toMatchObject({ code: 0, output: `${JSON.stringify([folder, "--help"])}\n`, errors: "" });
  });

  test("installed as a package it finds the Bun that npm has put beside it, and installs nothing", async () => {
    const { folder, path, called } = project({ main });
    rmSync(join(folder, "package-lock.json"));
    const host = mkdtempSync(join(scratch, "host-"));
    mkdirSync(join(host, "node_modules"));
    // As npm lays it out: what the package needs is beside it.
    for (const name of ["bun", "@oven"])
      cpSync(join(folder, "node_modules", name), join(host, "node_modules", name), { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(host, "node_modules/bun/package.json"), '{"name":"bun"}');
    rmSync(join(folder, "node_modules"), { recursive: true });
    cpSync(folder, join(host, "node_modules/weir"), { recursive: true, verbatimSymlinks: true });
    const child = spawn(join(path, "node"), [join(host, "node_modules/weir/scripts/weir.mjs"), "check"], {
      cwd: host,
      env: { PATH: path },
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(await finish(child)).toMatchObject({ code: 0, output: `${JSON.stringify([host, "check"])}\n`, errors: "" });
    expect(called()).toEqual([]);
  });
});

function change(receipt: string, name: string, entry: object | undefined): void {
  const content: { packages: Record<string, object> } = JSON.parse(readFileSync(receipt, "utf8"));
  if (entry) content.packages[name] = entry;
  else delete content.packages[name];
  writeFileSync(receipt, JSON.stringify(content));
}

describe("npm test", () => {
  test("installs development's packages too", async () => {
    const { run, called, folder } = project({ test: 'test("a", () => {});' });
    change(join(folder, "node_modules/.package-lock.json"), "node_modules/knip", undefined);
    expect((await run("test.mjs")).errors).toContain("the packages could not be installed (exit 9)");
    expect(called()).toEqual(["npm ci --include=optional --include=dev --no-audit --no-fund --loglevel=error"]);
  });

  const last = ({ output }: { output: string }) => output.trimEnd().split("\n").at(-1);

  test("closes with the totals, and with exit code 0 where all passed", async () => {
    const ending = await project({ test: 'test("a", () => {}); test("b", () => {}); test.skip("c", () => {}); test.todo("d");' }).run(
      "test.mjs",
    );
    expect(last(ending)).toBe("tests: 2 passed, 0 failed, 2 skipped");
    expect(ending.code).toBe(0);
  });

  test("fails where a test failed", async () => {
    const ending = await project({ test: 'test("a", () => {}); test("b", () => expect(1).toBe(2));' }).run("test.mjs");
    expect(last(ending)).toBe("tests: 1 passed, 1 failed, 0 skipped");
    expect(ending.code).toBe(1);
  });

  test("counts a file that cannot be loaded as a failure", async () => {
    const { run, folder } = project({ test: 'test("a", () => {});' });
    writeFileSync(join(folder, "test/b.test.ts"), 'throw new Error("broken");');
    const ending = await run("test.mjs");
    expect(last(ending)).toBe("tests: 1 passed, 1 failed, 0 skipped");
    expect(ending.code).toBe(1);
  });

  test("fails where nothing ran", async () => {
    for (const only of ['test.skip("a", () => {});', undefined]) {
      const ending = await project(only === undefined ? {} : { test: only }).run("test.mjs");
      expect(ending.code).toBe(1);
      expect(last(ending)).toMatch(/^tests: (0 passed, 0 failed, 1 skipped|no totals; there is no test file)$/);
    }
  });

  test("fails where a file's run was killed, and runs the others", async () => {
    const { run, folder } = project({ test: 'test("a", () => {}); test("b", () => process.kill(process.pid, "SIGKILL"));' });
    writeFileSync(
      join(folder, "test/other.test.ts"),
      'require("bun:test").test("c", () => { require("node:fs").writeFileSync("ran", ""); });',
    );
    const ending = await run("test.mjs");
    expect(last(ending)).toMatch(/^tests: no totals; test\/\S+ ended with SIGKILL$/);
    expect(ending.code).toBe(1);
    expect(existsSync(join(folder, "ran"))).toBe(true);
  });

  test("prints a dot for a good file, all of a bad one's words, and the reason of each skip", async () => {
    const { run, folder } = project({ test: 'test("a", () => {}); test.skip("c [not here: no such clock]", () => {});' });
    writeFileSync(
      join(folder, "test/bad.test.ts"),
      'require("bun:test").test("b", () => { console.log("said by b"); throw new Error("no"); });',
    );
    const { output, code } = await run("test.mjs");
    expect(output).toMatch(/^\.$|^\.\n|\n\.\n/m);
    expect(output).toContain("said by b");
    expect(output).toMatch(/FAILED +\d\/2 .*test\/bad\.test\.ts/);
    expect(output).toMatch(/^\(skip\) c \[not here: no such clock\]/m);
    expect(output).toMatch(/^\(fail\) b .*test\/bad\.test\.ts$/m);
    expect(code).toBe(1);
  });

  test("hands its arguments to bun test", async () => {
    const ending = await project({ test: 'test("a", () => {}); test("b", () => {});' }).run("test.mjs", "--test-name-pattern", "b");
    expect(last(ending)).toStartWith("tests: 1 passed, 0 failed");
  });

  const passing = 'test("a", () => {});';
  const isRoot = process.getuid?.() === 0;

  const sudo = `while [ "$1" = -n ]; do shift; done\nexec "$@"`;

  for (const [what, missing, packages] of [
    ["Redis", ["redis-server"], "redis-server"],
    ["Prometheus", ["prometheus", "promtool"], "prometheus"],
    ["Redis and Prometheus", ["redis-server", "prometheus", "promtool"], "redis-server prometheus"],
  ] as const)
    test(`installs ${what} where it is missing and this user may`, async () => {
      const absent = Object.fromEntries(missing.map((program) => [program, "exit 1"]));
      const { run, called, path } = project({ test: passing, tools: { ...absent, sudo, true: "exit 0", "apt-get": "exit 0" } });
      // Installing is: the programs are there and run.
      const put = missing.map((program) => `printf '#!/bin/sh\\nexit 0\\n' > "${path}/${program}"`).join("; ");
      tool(join(path, "apt-get"), `echo apt-get "$@" >> "${join(path, "../called")}"; ${put}`);
      const ending = await run("test.mjs");
      expect(called().filter((line) => line.startsWith("apt-get"))).toEqual([
        "apt-get --version",
        "apt-get --quiet=2 update",
        `apt-get --quiet=2 install --yes --no-install-recommends ${packages}`,
      ]);
      expect(ending).toMatchObject({ code: 0, output: expect.stringContaining("tests: 1 passed") });
      expect(ending.errors).not.toContain("is missing");
    });

  for (const [what, tools, reason] of [
    ["there is no apt-get", {}, "there is no apt-get to install it with"],
    [
      "apt-get fails",
      { "apt-get": 'case "$*" in *install*) echo "E: no such package" >&2; exit 100;; esac', sudo: 'shift\nexec "$@"', true: "exit 0" },
      "apt-get failed: E: no such package",
    ],
    ...(isRoot
      ? []
      : ([["this user may not", { "apt-get": "exit 0", sudo: "exit 1" }, "installing it takes root or a sudo without password"]] as const)),
  ] as const)
    test(`says in one line that Redis is not there where ${what}, and goes on`, async () => {
      const ending = await project({ test: passing, tools: { "redis-server": "exit 1", ...tools } }).run("test.mjs");
      expect(ending.errors.split("\n").filter((line) => line.startsWith("weir: redis-server is"))).toEqual([
        `weir: redis-server is missing and ${reason}; the tests that need it will be reported as not run.`,
      ]);
      expect(ending.code).toBe(0);
    });
});

/** Most bytes that are added to the runtime's image: the production packages and the sources. */
const MOST_IMAGE_BYTES = 120 * 2 ** 20;

function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Building the image takes packages from the registry. */
const online = await fetch(process.env.npm_config_registry ?? "https://registry.npmjs.org/", {
  method: "HEAD",
  signal: AbortSignal.timeout(5_000),
}).then(
  () => true,
  () => false,
);
if (!online) console.warn("The registry cannot be reached: the image's steps are not run.");

const TOKEN = "packaging-admin-token-77ab12cd";

/** The images, and what runs in each. */
const IMAGES = [
  { file: "Dockerfile", user: "bun", runtime: "bun", base: `oven/bun:${named.bun}-slim` },
  { file: "Dockerfile.deno", user: "deno", runtime: "deno", base: `denoland/deno:${named.deno}` },
] as const;

describe.each(IMAGES)("the image of $file", ({ file: dockerfile, user: imageUser, runtime, base }) => {
  test("is of the runtimes that the lock file has, each of which a build may name by digest, and does not run as root", () => {
    const source = text(dockerfile);
    const defaults = [...source.matchAll(/^ARG (\w+)_IMAGE=(\S+)$/gm)].map(([, name, image]) => [name, image]);
    const bun = ["BUN", `oven/bun:${named.bun}-slim`];
    expect(defaults).toEqual(runtime === "bun" ? [bun] : [bun, ["DENO", base]]);
    const froms = [...source.matchAll(/^FROM (\S+)/gm)].map(([, from]) => from);
    expect(froms).toEqual(["BUN_IMAGE", `${runtime.toUpperCase()}_IMAGE`].map((name) => `\${${name}}`));
    expect(source).toContain(`\nUSER ${imageUser}\n`);
  });

  test.skipIf(!online)(
    "builds and starts from a clean folder, step by step, as a user who may write nothing but its volume: keys can be made, and its health check ends nobody who drains",
    async () => {
      const path = join(scratch, `image-path-${runtime}`);
      mkdirSync(path);
      symlinkSync(process.execPath, join(path, "bun"));
      symlinkSync(join(ROOT, "node_modules/deno/deno"), join(path, "deno"));
      chmodSync(scratch, 0o755);
      const PATH = `${path}:/usr/bin:/bin`;
      const { HOME = scratch } = process.env;
      const image = buildImage({
        file: dockerfile,
        context: ROOT,
        scratch,
        environment: { ...process.env, PATH, HOME } as Record<string, string>,
      });
      for (const name of ["typescript", "knip", "openai", "deno", "bun", "@biomejs"])
        expect(existsSync(join(image.folder, "node_modules", name)), name).toBe(false);
      for (const name of ["test", "bench", "scripts", ".git"]) expect(existsSync(join(image.folder, name)), name).toBe(false);
      expect([image.base, image.user, image.dataOwner, image.exposed]).toEqual([
        base,
        imageUser,
        `${imageUser}:${imageUser}`,
        [8080, 9090],
      ]);
      expect(folderBytes(image.folder)).toBeLessThan(MOST_IMAGE_BYTES);

      const port = await freePort();
      const adminPort = await freePort();
      const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
      for (const folder of [image.folder, image.data]) chmodSync(folder, 0o755);
      if (user.uid !== undefined) chownSync(image.data, user.uid, user.gid);
      // A folder in place of this machine's /tmp.
      const temporary = mkdtempSync(join(scratch, "tmp-"));
      if (user.uid !== undefined) chownSync(temporary, user.uid, user.gid);
      const ofImage = Object.fromEntries(
        Object.entries(image.environment).map(([name, value]) => [name, value.replace(/^\/tmp(?=\/)/, temporary)]),
      );
      // A proxy is none of its business: it asks its own machine.
      const env = { ...ofImage, PATH, HOME: "/nonexistent", HTTP_PROXY: "http://127.0.0.1:1" };
      const within = { cwd: image.data, env, ...user };
      const healthy = async () => {
        const [program = "", ...words] = image.healthCheck;
        return (await finish(spawn(program, words, { ...within, stdio: ["ignore", "pipe", "pipe"] }))).code;
      };
      const settings = {
        server: { host: "127.0.0.1", port, drain_grace: "60s" },
        admin: { port: adminPort, token: TOKEN },
        workers: 1,
        upstreams: { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1" } },
        workspaces: { acme: { default_region: "eu" } },
      };
      const file = join(image.data, "weir.yaml");
      writeFileSync(file, JSON.stringify(settings));
      expect(await healthy()).toBe(1);

      const [program = "", ...words] = image.command;
      const gateway = spawn(program, words, { ...within, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      gateway.stdout.on("data", (bytes: Buffer) => {
        said += bytes.toString();
      });
      let ended = false;
      const ending = finish(gateway).finally(() => {
        ended = true;
      });
      const until = async (holds: () => boolean | Promise<boolean>) => {
        const deadlineMs = performance.now() + 20_000;
        while (!(await holds()) && !ended && performance.now() < deadlineMs) await Bun.sleep(20);
      };
      try {
        await until(async () => (await healthy()) === 0);
        expect(await healthy(), said).toBe(0);
        const made = await fetch(`http://127.0.0.1:${adminPort}/admin/v1/workspaces/acme/keys`, {
          method: "POST",
          headers: { authorization: `Bearer ${TOKEN}` },
          body: JSON.stringify({ name: "made" }),
        });
        expect(made.status).toBe(201);
        expect(existsSync(join(image.data, "weir-keys.json"))).toBe(true);
        writeFileSync(file, "server: {");
        expect(await healthy()).toBe(0);
        writeFileSync(file, JSON.stringify(settings));
        gateway.kill("SIGTERM");
        await until(() => said.includes('"draining"'));
        expect(await healthy()).toBe(0);
        // The public port is closed before the last call has ended, and the admin port is not.
        writeFileSync(file, JSON.stringify({ ...settings, server: { ...settings.server, port: await freePort() } }));
        expect(await healthy()).toBe(0);
      } finally {
        gateway.kill("SIGKILL");
        await ending;
      }
      expect(await healthy()).toBe(1);
    },
  );
});
