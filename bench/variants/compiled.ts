/**
 * What one would write instead, in other languages: pass-throughs that know no key and limit nothing, each built by its language's own toolchain into
 * a cache folder. Where the toolchain is not installed, the run says so.
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
  /** Its folder beside `baselines`. */
  source: string;
  /** Told with the results; undefined where the toolchain is not installed. */
  version(source: string): Record<string, string> | undefined;
  build: Installable["install"];
}

/** Within the folder that it is built into. */
const PROGRAM = "passthrough";

const sourceOf = (name: string): string => join(import.meta.dir, "../baselines", name);

/** What a program says of its own version, by a pattern that captures it. */
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

/** Those of the names that can be built here, or are built already. Without `builds` nothing is built. */
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

/** Another source or another compiler is another program. */
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
