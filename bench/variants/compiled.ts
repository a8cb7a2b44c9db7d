/**
 * Pass-throughs in other languages, which check no key and limit nothing. Each is built with the toolchain of its language into a cache folder. Where
 * the toolchain is not installed, the run lists the variant as not run.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Installable, installed, isInstalled, oneLine } from "../peers/install.ts";
import { startProgram } from "../processes.ts";
import type { Peers, Variant } from "../variant.ts";
import { cloudAddress } from "./direct.ts";

interface Compiled {
  name: string;
  /** The folder of its source. */
  source: string;
  /** The versions that the results show; undefined where the toolchain is not installed. */
  version(source: string): Record<string, string> | undefined;
  build: Installable["install"];
}

/** The name of the built program in its folder. */
const PROGRAM = "passthrough";

const sourceOf = (name: string): string => join(import.meta.dir, "../baselines", name);

/** The first group of the pattern in the output of a command. */
function said(words: readonly [string, ...string[]], pattern: RegExp): string | undefined {
  return pattern.exec(spawnSync(words[0], words.slice(1), { encoding: "utf8" }).stdout ?? "")?.[1];
}

const GO: Compiled = {
  name: "go",
  source: sourceOf("go"),
  version: () => {
    const go = said(["go", "version"], /go(\d\S*)/);
    return go === undefined ? undefined : { go };
  },
  build: (folder) => [
    {
      words: ["go", "build", "-C", sourceOf("go"), "-trimpath", "-o", join(folder, PROGRAM), "."],
      environment: { GOCACHE: join(folder, "build"), GOWORK: "off", GOFLAGS: "-mod=mod" },
    },
    { words: ["rm", "-rf", join(folder, "build")] },
  ],
};

const AXUM: Compiled = {
  name: "axum",
  source: sourceOf("axum"),
  version: (source) => {
    const rustc = said(["rustc", "--version"], /rustc (\S+)/);
    if (rustc === undefined) return undefined;
    const lock = readFileSync(join(source, "Cargo.lock"), "utf8");
    const locked = (name: string) => new RegExp(`name = "${name}"\\nversion = "(.+)"`).exec(lock)?.[1] ?? "unknown";
    return { rustc, axum: locked("axum"), reqwest: locked("reqwest") };
  },
  build: (folder) => [
    {
      words: ["cargo", "build", "--release", "--locked", "--manifest-path", join(sourceOf("axum"), "Cargo.toml")],
      environment: { CARGO_TARGET_DIR: join(folder, "target") },
    },
    { words: ["mv", join(folder, "target/release/weir-bench-axum"), join(folder, PROGRAM)] },
    { words: ["rm", "-rf", join(folder, "target")] },
  ],
};

const ALL: readonly Compiled[] = [AXUM, GO];

/**
 * The pass-throughs with these names, built where they are not built yet.
 * @param builds false: nothing is built, and what is not built yet is listed as not run
 */
export async function compiled(
  names: ReadonlySet<string>,
  cacheFolder: string,
  builds: boolean,
  tell: (what: string) => void,
): Promise<Peers> {
  const found: Peers = { variants: [], versions: {}, notRun: [] };
  for (const one of ALL.filter(({ name }) => names.has(name))) {
    const versions = one.version(one.source);
    if (versions === undefined) {
      found.notRun.push({ what: one.name, why: "its toolchain is not installed" });
      continue;
    }
    const wanted: Installable = { name: `passthrough-${one.name}`, version: digestOf(one, versions), install: one.build };
    if (!builds && !isInstalled(wanted, cacheFolder)) {
      found.notRun.push({ what: one.name, why: "it is not built yet, which a run that measures does" });
      continue;
    }
    try {
      const folder = await installed(wanted, cacheFolder, tell);
      found.variants.push(variantOf(one.name, join(folder, PROGRAM)));
      Object.assign(found.versions, versions);
    } catch (thrown) {
      const why = oneLine(thrown instanceof Error ? thrown.message : String(thrown), cacheFolder);
      tell(`${one.name} is not run: ${why}`);
      found.notRun.push({ what: one.name, why });
    }
  }
  return found;
}

/** Changes with the source and with the compiler, so that a change of either builds a new program. */
function digestOf({ source }: Compiled, versions: Record<string, string>): string {
  const digest = createHash("sha256").update(JSON.stringify(versions));
  const files = readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).toSorted())
    digest.update(relative(source, file)).update(readFileSync(file));
  return digest.digest("hex").slice(0, 16);
}

const variantOf = (name: string, program: string): Variant => ({
  name,
  isCompiled: true,
  async start({ upstreamUrl, certificate }) {
    const started = await startProgram([program, upstreamUrl, ...(certificate === undefined ? [] : [certificate])], /"port":(\d+)/);
    return { url: `http://127.0.0.1:${started.found[1]}`, address: cloudAddress, pids: () => [started.pid], stop: started.stop };
  },
});
