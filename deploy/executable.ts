/**
 * Builds Weir as one file that needs nothing else, not even Bun: `bun run executable [TARGET …]`, for this machine or for the given targets
 * (`linux-x64`, `linux-arm64`, `darwin-x64`, `darwin-arm64`, `windows-x64`). Bun takes the runtime of another system from the package registry.
 */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dir, "..");
const TARGETS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64", "windows-x64"] as const;
type Target = (typeof TARGETS)[number];

interface Replacement {
  file: string;
  from: string;
  to: string;
}

/**
 * Code that finds another file by an address computed at run time, which no bundler can follow. In one file there are no other files: threads
 * become entry points, and texts are built in.
 */
const REPLACED: readonly Replacement[] = [
  {
    file: "src/pool/thread.ts",
    from: 'new URL("../../workers/worker.ts", import.meta.url).href',
    to: '"./workers/worker.ts"',
  },
  {
    file: "src/pool/inline.ts",
    from: 'import(new URL("../../workers/desk.ts", import.meta.url).href)',
    to: 'import("../../workers/desk.ts")',
  },
];

/** @returns the path of the executable */
export async function buildExecutable(target: Target, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `weir-${target}${target.startsWith("windows") ? ".exe" : ""}`);
  const left = new Set(REPLACED.map(({ file }) => file));
  const built = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts"), join(ROOT, "workers/worker.ts")],
    root: ROOT,
    minify: { whitespace: true, syntax: true },
    // Files of a user's folder (.env, bunfig.toml) must not change the program.
    compile: { target: `bun-${target}`, outfile, autoloadDotenv: false, autoloadBunfig: false },
    plugins: [
      {
        name: "what lies beside a file",
        setup(build) {
          build.onLoad({ filter: /\/src\/pool\/(thread|inline)\.ts$/ }, ({ path }) => {
            let contents = readFileSync(path, "utf8");
            for (const { file, from, to } of REPLACED) {
              if (relative(ROOT, path) !== file) continue;
              if (contents.split(from).length !== 2) throw new Error(`${file}: expected once: ${from}`);
              contents = contents.replace(from, () => to);
              left.delete(file);
            }
            return { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  if (!built.success) throw new AggregateError(built.logs, `${target} was not built`);
  if (left.size > 0) throw new Error(`not part of the program any more: ${[...left].join(", ")}`);
  return outfile;
}

/** The target for this machine; undefined where there is none. */
export function ownTarget(): Target | undefined {
  const system = process.platform === "win32" ? "windows" : process.platform;
  return TARGETS.find((target) => target === `${system}-${process.arch}`);
}

if (import.meta.main) {
  const own = ownTarget();
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : [own ?? "linux-x64"];
  const unknown = wanted.filter((target) => !TARGETS.some((each) => each === target));
  if (unknown.length > 0) {
    console.error(`weir: no such target: ${unknown.join(", ")}; there are ${TARGETS.join(", ")}`);
    process.exit(2);
  }
  for (const target of wanted) {
    const file = await buildExecutable(target as Target, join(ROOT, "dist"));
    console.log(`${relative(process.cwd(), file)}  ${(statSync(file).size / 2 ** 20).toFixed(0)} MiB`);
  }
}
